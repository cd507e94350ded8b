hz_fuzz(refrt_run LIBS hz_refrt)
