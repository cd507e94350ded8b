hz_fuzz(http_target LIBS hz_api hz_net)
