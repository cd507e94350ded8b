#include "onnx/model.h"

// The first byte chooses tensor, sequence, optional or optional sequence.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const hz::onnx::Limits limits{.size_bytes_max = 1u << 20, .items_max = 10000};
  hz::onnx::ValueInfo declared;
  declared.is_tensor = data[0] % 4 == 0;
  declared.is_sequence = (data[0] & 1) != 0;
  declared.is_optional = (data[0] & 2) != 0;
  if (const auto value = hz::onnx::decode_value({data + 1, size - 1}, declared, limits)) {
    const auto& t = value->tensor;
    if (t.dtype == hz::onnx::Dtype::string)
      HZ_ASSERT(t.strings.size() == t.count());
    else if (t.dtype != hz::onnx::Dtype::undefined)
      HZ_ASSERT(t.data.size() == t.count() * hz::onnx::dtype_size(t.dtype));
  }
  return 0;
}
