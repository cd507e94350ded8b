// TensorProto, shared by models, values and attributes.
#pragma once
#include "onnx/model.h"
#include "onnx/protobuf.h"

namespace hz::onnx {

// Ends with data.size() == count() * dtype_size() and a product of max(dim, 1) below 2^47, so strides cannot overflow.
// Errors: those of protobuf::Reader, onnx.dtype, onnx.external_data.
Result<Tensor> read_tensor(protobuf::Reader in);

// The type with this TensorProto.DataType number; undefined when this build does not know it.
Dtype known_dtype(std::int32_t number);

}  // namespace hz::onnx
