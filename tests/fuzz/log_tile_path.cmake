hz_fuzz(log_tile_path LIBS hz_log)
