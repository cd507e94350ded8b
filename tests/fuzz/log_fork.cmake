hz_fuzz(log_fork LIBS hz_log)
