// A worker that misbehaves on request. A "model" is a text that says what to do when it is run:
//   double | crash | abort | hang | garbage | noise | half | shape | dtype | count | drip | oom | constant | echo |
//   leave | refuse | invalid | fail | exhausted | flaky | coerce | load_crash | load_hang | old
// Every run doubles one float32 tensor, except as told. `lift` turns "old" into "double".
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <new>
#include <string>
#include <thread>

#include "onnx/wire.h"

using namespace hz;
using namespace hz::onnx;
namespace wire = hz::onnx::wire;

namespace {

Value doubled(const Value& in) {
  Value out = in;
  for (std::size_t i = 0; i + 4 <= out.tensor.data.size(); i += 4) {
    float f = 0;
    std::memcpy(&f, out.tensor.data.data() + i, 4);
    f *= 2;
    std::memcpy(out.tensor.data.data() + i, &f, 4);
  }
  return out;
}

void raw(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::write(1, bytes.data(), bytes.size());
    if (n <= 0) std::exit(1);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

[[noreturn]] void hang() {
  for (;;) ::pause();
}

wire::Reply refusal(wire::Status status, const char* message) {
  wire::Reply reply;
  reply.status = status;
  reply.message = message;
  return reply;
}

wire::Reply run(const std::string& model, const wire::Request& request, const char* memory) {
  wire::Reply reply;
  reply.outputs.push_back(doubled(request.inputs.at(0)));
  Tensor& out = reply.outputs[0].tensor;
  if (model == "crash") std::raise(SIGSEGV);
  if (model == "abort") std::abort();
  if (model == "hang") hang();
  if (model == "leave") std::exit(3);
  if (model == "garbage") raw(std::string("\0\0\0\5\xff\xff\xff\xff\xff", 9)), hang();
  if (model == "noise") raw("Warning: falling back to CPU\n"), hang();
  if (model == "half") raw(std::string("\0\0\1\0abc", 7)), std::exit(0);
  if (model == "drip") {
    raw(std::string("\0\1\0\0", 4));
    for (;;) raw("x"), std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  if (model == "oom") {
    std::fputs("allocating without end\n", stderr);
    for (;;) std::memset(new char[16 << 20], 1, 16 << 20);  // std::bad_alloc, uncaught: the process aborts
  }
  if (model == "shape") out.shape.insert(out.shape.begin(), 1);
  if (model == "dtype") out.dtype = Dtype::int32;
  if (model == "count") reply.outputs.push_back(reply.outputs[0]);
  if (model == "constant") std::fill(out.data.begin(), out.data.end(), std::uint8_t{0});
  if (model == "echo") reply.outputs[0] = request.inputs[0];
  if (model == "coerce") reply.message = "coerced x float32 to float64";
  if (model == "refuse") return refusal(wire::Status::unsupported, "no such operator");
  if (model == "invalid") return refusal(wire::Status::invalid, "bad\ninput");
  if (model == "fail") return refusal(wire::Status::internal, "kernel failed");
  if (model == "exhausted") return refusal(wire::Status::resource, "arena full");
  if (model == "flaky") {
    // Right on every second run, counted in a file so that a restart does not reset it.
    int count = 0;
    {
      std::ifstream(memory) >> count;
    }
    std::ofstream(memory) << count + 1;
    if (count % 2 == 0) std::fill(out.data.begin(), out.data.end(), std::uint8_t{0});
  }
  return reply;
}

}  // namespace

int main(int argc, char** argv) {
  const char* memory = argc > 1 ? argv[1] : "/dev/null";
  if (argc > 2 && std::strcmp(argv[2], "decline") == 0) {
    (void)wire::read_frame(0);
    (void)wire::write_frame(1, wire::encode(refusal(wire::Status::unsupported, "library not found")));
    return 7;
  }
  if (argc > 2 && std::strcmp(argv[2], "stillborn") == 0) {
    std::fputs("cannot open shared object\n", stderr);
    return 1;
  }
  std::string model;
  for (;;) {
    const auto frame = wire::read_frame(0);
    if (!frame) return 1;
    if (!*frame) return 0;
    const auto request = wire::decode_request(**frame);
    if (!request) return 1;
    wire::Reply reply;
    switch (request->verb) {
      case wire::Verb::info:
        reply.message = R"({"engine":"fault","version":"1","library_path":"","library_digest":""})";
        break;
      case wire::Verb::load:
        model = as_text(request->model);
        if (model == "load_crash") std::raise(SIGILL);
        if (model == "load_hang") hang();
        if (model == "old") reply = refusal(wire::Status::unsupported, "operator set 6");
        break;
      case wire::Verb::run:
        reply = run(model, *request, memory);
        break;
      case wire::Verb::unload:
        model.clear();
        break;
      case wire::Verb::lift:
        if (as_text(request->model) != "old") std::raise(SIGSEGV);
        reply.model.assign({'d', 'o', 'u', 'b', 'l', 'e'});
        break;
    }
    if (!wire::write_frame(1, wire::encode(reply))) return 1;
  }
}
