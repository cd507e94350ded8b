hz_fuzz(errata LIBS hz_standards)
