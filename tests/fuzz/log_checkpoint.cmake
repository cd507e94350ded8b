hz_fuzz(log_checkpoint LIBS hz_log)
