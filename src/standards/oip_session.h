// The second transport: a server that speaks Open Inference Protocol v2 over loopback HTTP (binary tensors, model
// repository with inline files). It carries tensors only; sequences, optionals and bfloat16 cannot be expressed.
#pragma once
#include "base/http.h"
#include "standards/session.h"

namespace hz::standards {

// Starts `oip-host serve` (or any program that prints {"port":N} as its first line) and talks to it on 127.0.0.1.
Result<std::unique_ptr<Session>> open_oip_session(const sandbox::Command& command);

// A server that runs already and has the model: loading and unloading it here does nothing, and nothing ends with the
// session. `ask` holds the deadline of each call, whatever ask() is told.
std::unique_ptr<Session> attach_oip_session(http::Exchange ask, std::string model);

// Pure parts, for tests and fuzzing.
namespace oip {
struct Message {
  std::string head;                       // JSON part
  std::optional<std::size_t> json_bytes;  // set when raw tensor bytes follow
  Bytes body;                             // everything to send
};
std::string_view datatype(onnx::Dtype dtype);  // "FP32", ...; "" when the protocol lacks it
onnx::Dtype dtype_of(std::string_view datatype);
Message encode_infer(const std::vector<onnx::Value>& inputs);
// Errors: standards.oip. Safe on any bytes.
Result<onnx::wire::Reply> decode_infer(ByteView body, std::optional<std::size_t> json_bytes);
}  // namespace oip

}  // namespace hz::standards
