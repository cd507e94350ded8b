hz_fuzz(envelope LIBS hz_statement)
