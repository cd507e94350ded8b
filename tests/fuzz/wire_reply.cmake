hz_fuzz(wire_reply LIBS hz_onnx)
