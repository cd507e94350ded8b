// The program that links the foreign library of this one engine, so that no other program does.
#include "engine.h"
#include "reasons.h"

namespace hz::host {

Result<std::unique_ptr<Engine>> open_engine(const EngineOptions& options) {
  if (options.name == "lift") return open_lift(options);
  return fail(why("host.usage"), "--engine {}: this program has only lift; start oip-host", options.name);
}

}  // namespace hz::host
