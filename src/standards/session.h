// One conversation with something that runs models: a worker process, a server, or (in benches) an engine in this
// process.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "onnx/wire.h"
#include "sandbox/process.h"

namespace hz::standards {

// What answered, for evidence.
struct EngineFacts {
  std::string engine, version, library_path, library_digest;
  sandbox::Isolation isolation = sandbox::Isolation::s0;
};

class Session {
 public:
  virtual ~Session() = default;
  // One request, one reply. Errors: sandbox.timeout (hang), sandbox.ended (crash), sandbox.frame or onnx.wire
  // (garbage), standards.oip. After an error the session is of no use and must be dropped.
  virtual Result<onnx::wire::Reply> ask(const onnx::wire::Request& request, sandbox::Deadline deadline) = 0;
  // Waits for the engine to be ready. An engine that declines says why: standards.worker.
  virtual Result<EngineFacts> facts(sandbox::Deadline deadline) = 0;
  // False when this transport has no way to carry the value types of the case.
  virtual bool expresses([[maybe_unused]] bool tensors_only) const { return true; }
};

onnx::wire::Request info_request();
onnx::wire::Request load_request(Bytes model);
onnx::wire::Request run_request(std::vector<onnx::Value> inputs);
onnx::wire::Request lift_request(Bytes model, std::int64_t opset);

using Opener = std::function<Result<std::unique_ptr<Session>>()>;

// Starts a worker process and asks for its facts without waiting, so that it initialises while the caller goes on.
Result<std::unique_ptr<Session>> open_pipe_session(const sandbox::Command& command);

}  // namespace hz::standards
