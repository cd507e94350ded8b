hz_fuzz(exit_plan LIBS hz_node)
