hz_fuzz(json LIBS hz_base)
