hz_fuzz(canonical_json LIBS hz_statement)
