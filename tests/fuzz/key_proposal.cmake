hz_fuzz(key_proposal LIBS hz_alliance)
