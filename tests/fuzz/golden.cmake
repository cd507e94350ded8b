hz_fuzz(golden LIBS hz_standards)
