hz_fuzz(log_note LIBS hz_log)
