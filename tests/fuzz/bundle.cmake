hz_fuzz(bundle LIBS hz_node)
