hz_fuzz(oip_infer LIBS hz_host)
