// The backends this program knows by name, and how to start a worker of each. A new vendor is one more row here, or any
// server that speaks Open Inference Protocol v2.
#pragma once
#include <span>

#include "standards/session.h"

namespace hz::standards {

struct Backend {
  std::string_view id;      // "ort"; views and statements say "backend:ort"
  std::string_view name;    // for people
  std::string_view obtain;  // how to get it when it is absent
};
std::span<const Backend> known_backends();
// "ort" or "backend:ort". Errors: standards.unknown_backend.
Result<const Backend*> find_backend(std::string_view id);
inline std::string backend_ref(const Backend& backend) { return fmt::format("backend:{}", backend.id); }

// Where programs and libraries are looked for.
struct Places {
  std::span<const fs::path> tool_dirs;  // folders that may hold oip-host, in order
  std::string ort_library;  // explicit path; else $HEZONG_ORT_LIBRARY, else a node_modules folder above oip-host
};

// Errors: standards.no_backend when oip-host is in no folder.
Result<sandbox::Command> worker_command(const Places& places, std::string_view engine);
Result<sandbox::Command> server_command(const Places& places, std::string_view engine);

}  // namespace hz::standards
