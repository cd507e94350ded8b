hz_fuzz(leaf LIBS hz_statement)
