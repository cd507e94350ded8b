// The engines that `oip-host` itself has: none links a foreign library.
#include "engine.h"
#include "reasons.h"

namespace hz::host {

Result<std::unique_ptr<Engine>> open_engine(const EngineOptions& options) {
  if (options.name == "ort") return open_ort(options);
  if (options.name == "refrt") return open_refrt(options);
  if (options.name == "echo") return open_echo(options);
  if (options.name == "faulty") return open_faulty(options);
  return fail(why("host.usage"), "--engine {}: ort, opencv, refrt, lift, echo or faulty", options.name);
}

}  // namespace hz::host
