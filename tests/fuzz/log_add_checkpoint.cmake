hz_fuzz(log_add_checkpoint LIBS hz_log)
