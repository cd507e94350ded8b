hz_fuzz(log_vkey LIBS hz_log)
