hz_fuzz(age LIBS hz_crypto)
