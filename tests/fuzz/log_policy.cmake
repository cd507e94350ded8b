hz_fuzz(log_policy LIBS hz_log)
