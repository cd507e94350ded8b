hz_fuzz(onnx_tensor LIBS hz_onnx)
