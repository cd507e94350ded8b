// A process that outlives the one that starts it.
#pragma once
#include "sandbox/process.h"

namespace hz::sandbox {

// Starts `argv` (argv[0] a path) in a session of its own, as a child of the system's first process: whoever starts it
// has nothing to collect. stdin is empty, stderr is appended to `log`. Returns the first line of its stdout. The
// environment is passed on. Errors: sandbox.start (step and errno text, exec included), sandbox.ended (no line came),
// sandbox.timeout.
Result<std::string> start_detached(const std::vector<std::string>& argv, const fs::path& log, Deadline deadline);

}  // namespace hz::sandbox
