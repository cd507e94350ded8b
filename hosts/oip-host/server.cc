#include "server.h"

#include "reasons.h"

namespace hz::host {
Result<void> serve_http(Engine&, const Options&, int) { return fail(why("host.unsupported"), "serve"); }
}  // namespace hz::host
