hz_fuzz(chunks LIBS hz_net)
