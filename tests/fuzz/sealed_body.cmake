hz_fuzz(sealed_body LIBS hz_statement)
