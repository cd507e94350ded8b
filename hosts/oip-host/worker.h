// `oip-host worker`: serves the private frame protocol of onnx/wire.h on a pair of file descriptors.
#pragma once
#include "engine.h"
#include "onnx/wire.h"

namespace hz::host {

// The answer to one request. Never throws; exceptions of the standard library become status resource or internal.
class Worker {
 public:
  explicit Worker(Engine& engine) : engine_(engine) {}
  onnx::wire::Reply answer(const onnx::wire::Request& request);

 private:
  Result<onnx::wire::Reply> attempt(const onnx::wire::Request& request);
  Engine& engine_;
  std::unique_ptr<LoadedModel> model_;
};

// A fault on the line itself, for tests of the runner: see engine_faulty.cc.
enum class LineFault : std::uint8_t { none, garbage, half_reply, drip };

struct LineOptions {
  LineFault fault = LineFault::none;
  int every = 1;
  int slow_ms = 200;
};

// Answers frames until the other side closes. Returns the exit code: 0 clean end, 1 broken line.
int serve_line(Engine& engine, int in, int out, const LineOptions& options);

// An engine that could not be opened: the first request is answered with the reason, then the program ends with 7.
int decline_line(const Error& error, int in, int out);

onnx::wire::Status status_of(const Error& error);
std::string facts_json(const Facts& facts);

}  // namespace hz::host
