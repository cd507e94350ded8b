hz_fuzz(serving LIBS hz_pool)
