// The alliance's own reference runtime.
#include "engine.h"
#include "reasons.h"

#if HZ_HAVE_REFRT
#include "refrt/refrt.h"
#endif

namespace hz::host {

#if HZ_HAVE_REFRT
#else
Result<std::unique_ptr<Engine> > open_refrt(const EngineOptions&) {
  return fail(why("host.library"), "this build has no refrt");
}
#endif

}  // namespace hz::host
