hz_fuzz(spdx LIBS hz_share)
