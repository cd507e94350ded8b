hz_fuzz(card LIBS hz_node)
