hz_fuzz(heard LIBS hz_pool)
