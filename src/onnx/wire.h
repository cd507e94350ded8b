// The private line between the conformance runner and a worker process (oip-host worker): length-prefixed frames on
// stdin and stdout. It carries what Open Inference Protocol v2 cannot (sequences, bfloat16, empty optionals) and is not
// a public interface. Frame: u32 big-endian length (at most 512 MiB), then the payload encoded below (wire.cc draws
// it).
#pragma once
#include <string>
#include <vector>

#include "onnx/model.h"

namespace hz::onnx::wire {

enum class Verb : std::uint8_t {
  info = 1,  // engine name, version, library path and digest
  load = 2,  // model bytes; replaces the loaded model
  run = 3,   // inputs in the order of the graph's non-initializer inputs -> outputs in graph order
  unload = 4,
  lift = 5,  // model bytes and target opset -> model bytes (only the `lift` engine)
};
enum class Status : std::uint8_t { ok = 0, unsupported = 1, invalid = 2, resource = 3, internal = 4 };

struct Request {
  Verb verb = Verb::info;
  Bytes model;                // load, lift
  std::int64_t opset = 0;     // lift
  std::vector<Value> inputs;  // run
};
struct Reply {
  Status status = Status::ok;
  std::string message;         // for info: one JSON object {"engine","version","library_path","library_digest"}
  std::vector<Value> outputs;  // run
  Bytes model;                 // lift
};

Bytes encode(const Request& request);  // payload without the length prefix
Bytes encode(const Reply& reply);
// Errors: onnx.wire (truncated, trailing or out-of-range fields). Safe on any bytes.
Result<Request> decode_request(ByteView payload);
Result<Reply> decode_reply(ByteView payload);

// Blocking frame I/O on a file descriptor. read_frame: nullopt at a clean end. Errors: onnx.wire.
Result<void> write_frame(int fd, ByteView payload);
Result<std::optional<Bytes>> read_frame(int fd);

}  // namespace hz::onnx::wire
