hz_fuzz(content_range LIBS hz_net)
