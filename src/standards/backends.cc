#include "standards/backends.h"

#include "sandbox/engine_program.h"
#include "standards/reasons.h"

namespace hz::standards {
namespace {

constexpr Backend table[] = {
    {"ort", "ONNX Runtime",
     "./dev deps installs npm's onnxruntime-node; or set HEZONG_ORT_LIBRARY to a libonnxruntime.so"},
    {"opencv", "OpenCV DNN", "apt install libopencv-dnn-dev, then build again"},
    {"refrt", "Hezong reference runtime", "it is part of this source tree: build again"},
};

Result<sandbox::Command> command(const Places& places, std::string_view verb, std::string_view engine) {
  auto program = sandbox::engine_program(places.tool_dirs, places.ort_library, verb, engine);
  if (!program) return fail(why("standards.no_backend"), "{}", program.error().detail);
  return std::move(program->command);
}

}  // namespace

std::span<const Backend> known_backends() { return table; }

Result<const Backend*> find_backend(std::string_view id) {
  if (id.starts_with("backend:")) id.remove_prefix(8);
  std::string names;
  for (const Backend& backend : table) {
    if (backend.id == id) return &backend;
    names += fmt::format(" {}", backend.id);
  }
  return fail(why("standards.unknown_backend"), "{}: known are{}", id, names);
}

Result<sandbox::Command> worker_command(const Places& places, std::string_view engine) {
  return command(places, "worker", engine);
}
Result<sandbox::Command> server_command(const Places& places, std::string_view engine) {
  auto out = HZ_TRY(command(places, "serve", engine));
  out.argv.push_back("--exit-with-parent");
  return out;
}

}  // namespace hz::standards
