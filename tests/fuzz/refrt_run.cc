#include "refrt/refrt.h"

// Runs whatever model the bytes hold on zero inputs of the declared shapes, under limits that a fuzzer can reach.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hz;
  auto model = onnx::decode_model({data, size}, {.size_bytes_max = 1u << 16, .nodes_max = 64, .items_max = 4096});
  if (!model) return 0;
  std::vector<onnx::Value> inputs;
  for (const onnx::ValueInfo& info : model->graph.inputs) {
    bool weight = false;
    for (const auto& t : model->graph.initializers) weight = weight || t.name == info.name;
    if (weight) continue;
    onnx::Value& v = inputs.emplace_back();
    if (!info.is_tensor) {
      v.type = info.is_sequence ? onnx::Value::Type::sequence : onnx::Value::Type::none;
      continue;
    }
    v.type = onnx::Value::Type::tensor;
    v.tensor.dtype = info.dtype;
    std::size_t count = 1;
    for (const std::int64_t dim : info.shape) {
      v.tensor.shape.push_back(dim < 0 ? 2 : dim);
      if (v.tensor.shape.back() > 4096) return 0;
      count *= static_cast<std::size_t>(v.tensor.shape.back());
      if (count > 4096) return 0;
    }
    if (info.dtype == onnx::Dtype::string) v.tensor.strings.resize(count);
    v.tensor.data.resize(count * onnx::dtype_size(info.dtype));
  }
  const auto session = refrt::Session::load(
      *std::move(model), {.elements_max = 1 << 14, .bytes_max = 1 << 22, .work_max = 1e6, .depth_max = 4});
  if (session) (void)session->run(inputs);
  return 0;
}
