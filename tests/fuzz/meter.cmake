hz_fuzz(meter LIBS hz_pool)
