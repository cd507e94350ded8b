hz_fuzz(onnx_model LIBS hz_onnx)
