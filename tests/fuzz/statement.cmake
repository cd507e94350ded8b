hz_fuzz(statement LIBS hz_statement)
