hz_fuzz(openai_body LIBS hz_node)
