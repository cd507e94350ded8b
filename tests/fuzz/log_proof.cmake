hz_fuzz(log_proof LIBS hz_log)
