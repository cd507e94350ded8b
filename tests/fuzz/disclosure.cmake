hz_fuzz(disclosure LIBS hz_statement)
