#include "sandbox/engine_program.h"

#include <cstdlib>

#include "sandbox/reasons.h"

namespace hz::sandbox {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool address_sanitizer = true;
#elif defined(__has_feature)
constexpr bool address_sanitizer = __has_feature(address_sanitizer);
#else
constexpr bool address_sanitizer = false;
#endif

Result<fs::path> oip_host(std::span<const fs::path> tool_dirs) {
  std::string looked;
  for (const fs::path& folder : tool_dirs) {
    std::error_code ignored;
    const fs::path path = folder / "oip-host";
    if (fs::exists(path, ignored)) return fs::absolute(path);
    looked += fmt::format(" {}", path.string());
  }
  return fail(why("sandbox.no_engine"), "oip-host is missing; looked for{}", looked.empty() ? " nothing" : looked);
}

}  // namespace

Result<EngineProgram> engine_program(std::span<const fs::path> tool_dirs, const std::string& ort_library,
                                     std::string_view verb, std::string_view engine) {
  const fs::path program = HZ_TRY(oip_host(tool_dirs));
  EngineProgram out;
  Command& command = out.command;
  command.argv = {program.string(), std::string(verb), "--engine", std::string(engine)};
  const auto needs = [&](const fs::path& path) {
    std::error_code error;
    if (fs::exists(path, error)) out.read_paths.push_back(fs::absolute(path).lexically_normal());
  };
  needs(program);
  for (const char* beside : {"oip-host-opencv", "../../locale"}) needs(program.parent_path() / beside);
  if (engine == "ort" && !ort_library.empty()) {
    command.argv.insert(command.argv.end(), {"--library", ort_library});
    needs(ort_library);
  } else if (engine == "ort") {
    for (fs::path folder = program.parent_path(); folder.has_relative_path(); folder = folder.parent_path())
      for (const fs::path& root : {folder, folder / "npm", folder / "build/npm"})
        if (std::error_code ignored; fs::exists(root / "node_modules/onnxruntime-node", ignored)) {
          command.argv.insert(command.argv.end(), {"--search", root.string()});
          needs(root / "node_modules/onnxruntime-node");
        }
  }
  command.env = {"LC_ALL=C", "HOME=/nonexistent", "OMP_NUM_THREADS=1"};
  for (const char* name : {"HEZONG_ORT_LIBRARY", "LD_LIBRARY_PATH"})
    if (const char* value = std::getenv(name)) {
      command.env.push_back(fmt::format("{}={}", name, value));
      if (std::string_view(name) == "HEZONG_ORT_LIBRARY") needs(value);
    }
  command.limits = {.address_space_bytes_max = address_sanitizer ? 0 : std::uint64_t{16} << 30, .files_open_max = 256};
  return out;
}

}  // namespace hz::sandbox
