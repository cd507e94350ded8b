#include "engine.h"

#include <openssl/sha.h>

#include <algorithm>

#include "base/fs.h"
#include "reasons.h"

namespace hz::host {

Result<Bytes> Engine::lift(ByteView, std::int64_t opset) {
  return fail(why("host.unsupported"), "this engine does not convert models (to operator set {})", opset);
}

Signature signature_of(const onnx::Model& model) {
  Signature out;
  for (const onnx::ValueInfo& input : model.graph.inputs) {
    const auto& initializers = model.graph.initializers;
    const bool given = std::any_of(initializers.begin(), initializers.end(),
                                   [&](const onnx::Tensor& t) { return t.name == input.name; });
    if (!given) out.inputs.push_back(input);
  }
  out.outputs = model.graph.outputs;
  return out;
}

Result<Signature> declared_signature(ByteView model) {
  auto decoded = onnx::decode_model(model);
  if (!decoded) return fail(why("host.invalid"), "{}", decoded.error().text());
  return signature_of(*decoded);
}

std::string bytes_digest(ByteView bytes) {
  Digest digest;
  SHA256(bytes.data(), bytes.size(), digest.data());
  return hex(digest);
}

std::string file_digest(const std::string& path) {
  auto bytes = read_file(path, 1u << 30);
  return bytes ? bytes_digest(*bytes) : "";
}

}  // namespace hz::host
