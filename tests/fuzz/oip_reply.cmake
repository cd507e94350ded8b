hz_fuzz(oip_reply LIBS hz_standards)
