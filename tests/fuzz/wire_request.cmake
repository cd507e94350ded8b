hz_fuzz(wire_request LIBS hz_onnx)
