hz_fuzz(usage_file LIBS hz_pool)
