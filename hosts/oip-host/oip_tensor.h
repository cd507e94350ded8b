// Tensors as Open Inference Protocol v2 spells them: datatype names, JSON data, raw data.
#pragma once
#include "base/json.h"
#include "onnx/model.h"

namespace hz::host::oip {

// "FP32", "INT64", "BYTES", ... BF16 is our extension (raw data only, as FP16). Empty for types the protocol lacks.
std::string_view datatype(onnx::Dtype dtype);
onnx::Dtype parse_datatype(std::string_view name);  // undefined when unknown

// Product of non-negative dims. Errors: host.invalid (negative, or more than `elements_max`).
inline constexpr std::uint64_t elements_max = 1u << 29;
Result<std::size_t> element_count(const std::vector<std::int64_t>& shape);

// Fills data or strings of `tensor` (dtype and shape are set) from flat or properly nested JSON. Errors: host.invalid
// with the tensor's name and the element's number; host.unsupported for FP16 and BF16.
Result<void> read_json_data(onnx::Tensor& tensor, const json::Value& data);
// From little-endian row-major bytes; BYTES elements carry a 32-bit length each. Errors: host.invalid.
Result<void> read_raw_data(onnx::Tensor& tensor, ByteView raw);

// Appends "[...]". Errors: host.unsupported when JSON cannot carry it (NaN, infinities, half floats, strings not
// UTF-8).
Result<void> write_json_data(std::string& out, const onnx::Tensor& tensor);
Bytes write_raw_data(const onnx::Tensor& tensor);

}  // namespace hz::host::oip
