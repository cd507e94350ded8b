// The program that links the foreign library of this one engine, so that no other program does.
#include "engine.h"
#include "reasons.h"

namespace hz::host {

Result<std::unique_ptr<Engine>> open_engine(const EngineOptions& options) {
  if (options.name == "opencv") return open_opencv(options);
  return fail(why("host.usage"), "--engine {}: this program has only opencv; start oip-host", options.name);
}

}  // namespace hz::host
