#include "ort_library.h"

#include <dlfcn.h>

#include "base/fs.h"
#include "reasons.h"

namespace hz::host::ort {

Result<std::unique_ptr<Library>> Library::open(const std::string& path) {
  // The library stays mapped for the life of the process: its threads and statics do not survive dlclose.
  void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return fail(why("host.library"), "{}: {}", path, ::dlerror());
  using Base = const Entry* (*)();
  const auto base = reinterpret_cast<Base>(::dlsym(handle, "OrtGetApiBase"));
  if (base == nullptr) return fail(why("host.library"), "{}: no OrtGetApiBase: not ONNX Runtime", path);
  std::unique_ptr<Library> out(new Library);
  out->version_ = base()->version();
  out->table_ = base()->table(table_version);
  if (out->table_ == nullptr)
    return fail(why("host.library"), "{}: ONNX Runtime {} is older than interface version {}", path, out->version_,
                table_version);
  std::error_code ignored;
  const fs::path real = fs::canonical(path, ignored);
  out->path_ = real.empty() ? path : real.string();
  HZ_TRY(out->attempt(Phase::load, create_env, log_fatal, "hezong", &out->env_));
  HZ_TRY(out->attempt(Phase::load, cpu_memory, allocator_device, memory_default, &out->memory_));
  HZ_TRY(out->attempt(Phase::load, default_allocator, &out->allocator_));
  return out;
}

Library::~Library() {
  if (memory_ != nullptr) call(release_memory, memory_);
  if (env_ != nullptr) call(release_env, env_);
}

// A model that the engine does not accept is unsupported: an engine is no judge of validity, except of bytes that are
// no protobuf at all. At run time its own classes are kept.
std::unexpected<Error> Library::failure(Phase phase, Status* status) const {
  const int code = call(error_code, static_cast<const Status*>(status));
  std::string message = call(error_message, static_cast<const Status*>(status));
  call(release_status, status);
  if (message.find("bad_alloc") != std::string::npos || message.find("Failed to allocate memory") != std::string::npos)
    return fail(hz::host::why("host.resource"), "{}", message);
  if (phase == Phase::load) {
    if (code == code_invalid_protobuf) return fail(hz::host::why("host.invalid"), "{}", message);
    return fail(hz::host::why("host.unsupported"), "{}", message);
  }
  if (code == code_invalid_argument) return fail(hz::host::why("host.invalid"), "{}", message);
  if (code == code_not_implemented) return fail(hz::host::why("host.unsupported"), "{}", message);
  return fail(hz::host::why("host.internal"), "{}", message);
}

}  // namespace hz::host::ort
