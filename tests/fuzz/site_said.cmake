hz_fuzz(site_said LIBS hz_pool)
