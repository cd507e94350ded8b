hz_fuzz(loss_target LIBS hz_drill)
