// A request that decodes gives tensors whose bytes agree with dtype and shape, and that survive a binary answer.
// The first two bytes choose where the JSON ends (0: everything is JSON); the rest is the body.
#include <cstdlib>

#include "oip_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hz;
  using namespace hz::host;
  if (size < 2) return 0;
  const std::size_t cut = hz::get_be<std::uint16_t>(data);
  const ByteView body(data + 2, size - 2);
  const auto length = cut == 0 ? std::nullopt : std::optional<std::size_t>(cut);
  if (auto request = oip::decode_infer(body, length, 1 << 20)) {
    oip::InferAnswer answer{"m", "1", request->id, "", {}};
    for (const onnx::Tensor& tensor : request->inputs) {
      const bool agrees = tensor.dtype == onnx::Dtype::string
                              ? tensor.strings.size() == tensor.count()
                              : tensor.data.size() == tensor.count() * onnx::dtype_size(tensor.dtype);
      if (!agrees) std::abort();
      onnx::Tensor again;
      again.dtype = tensor.dtype;
      again.shape = tensor.shape;
      if (!oip::read_raw_data(again, oip::write_raw_data(tensor))) std::abort();
      if (again.data != tensor.data || again.strings != tensor.strings) std::abort();
      answer.outputs.push_back({onnx::Value::Type::tensor, tensor, {}, tensor.name});
    }
    (void)oip::encode_infer(answer, *request);
  }
  (void)oip::decode_load(as_text(body), 1 << 20);
  return 0;
}
