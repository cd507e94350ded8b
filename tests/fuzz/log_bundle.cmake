hz_fuzz(log_bundle LIBS hz_log)
