#include "standards/backends.h"

#include <cstdlib>

#include "standards/reasons.h"

namespace hz::standards {
namespace {

constexpr Backend table[] = {
    {"ort", "ONNX Runtime",
     "./dev deps installs npm's onnxruntime-node; or set HEZONG_ORT_LIBRARY to a libonnxruntime.so"},
    {"opencv", "OpenCV DNN", "apt install libopencv-dnn-dev, then build again"},
    {"refrt", "Hezong reference runtime", "it is part of this source tree: build again"},
};

#if defined(__SANITIZE_ADDRESS__)
constexpr bool address_sanitizer = true;
#elif defined(__has_feature)
constexpr bool address_sanitizer = __has_feature(address_sanitizer);
#else
constexpr bool address_sanitizer = false;
#endif

Result<fs::path> oip_host(const Places& places) {
  std::string looked;
  for (const fs::path& folder : places.tool_dirs) {
    std::error_code ignored;
    const fs::path path = folder / "oip-host";
    if (fs::exists(path, ignored)) return fs::absolute(path);
    looked += fmt::format(" {}", path.string());
  }
  return fail(why("standards.no_backend"), "oip-host is missing; looked for{}", looked.empty() ? " nothing" : looked);
}

Result<sandbox::Command> command(const Places& places, std::string_view verb, std::string_view engine) {
  const fs::path program = HZ_TRY(oip_host(places));
  sandbox::Command out;
  out.argv = {program.string(), std::string(verb), "--engine", std::string(engine)};
  if (engine == "ort" && !places.ort_library.empty()) {
    out.argv.insert(out.argv.end(), {"--library", places.ort_library});
  } else if (engine == "ort") {
    for (fs::path folder = program.parent_path(); folder.has_relative_path(); folder = folder.parent_path())
      for (const fs::path& root : {folder, folder / "npm", folder / "build/npm"})
        if (std::error_code ignored; fs::exists(root / "node_modules/onnxruntime-node", ignored))
          out.argv.insert(out.argv.end(), {"--search", root.string()});
  }
  // Nothing of the user's environment reaches an engine but where libraries are.
  out.env = {"LC_ALL=C", "HOME=/nonexistent", "OMP_NUM_THREADS=1"};
  for (const char* name : {"HEZONG_ORT_LIBRARY", "LD_LIBRARY_PATH"})
    if (const char* value = std::getenv(name)) out.env.push_back(fmt::format("{}={}", name, value));
  out.limits = {.address_space_bytes_max = address_sanitizer ? 0 : std::uint64_t{16} << 30, .files_open_max = 256};
  return out;
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
