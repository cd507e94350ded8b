#include "onnx/model.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const hz::onnx::Limits limits{.size_bytes_max = 1u << 20, .nodes_max = 1000, .items_max = 10000};
  if (const auto model = hz::onnx::decode_model({data, size}, limits)) {
    for (const auto& t : model->graph.initializers)
      if (t.dtype != hz::onnx::Dtype::string) HZ_ASSERT(t.data.size() == t.count() * hz::onnx::dtype_size(t.dtype));
  }
  return 0;
}
