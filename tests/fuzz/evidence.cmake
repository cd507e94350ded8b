hz_fuzz(evidence LIBS hz_node)
