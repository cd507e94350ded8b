// `oip-host serve`: Open Inference Protocol v2 over HTTP/1.1 on the loopback interface.
#pragma once
#include "options.h"

namespace hz::host {

// Serves until stdin closes (exit_with_parent) or the process is told to end. Writes one JSON line with the port to
// `out`.
Result<void> serve_http(Engine& engine, const Options& options, int out);

}  // namespace hz::host
