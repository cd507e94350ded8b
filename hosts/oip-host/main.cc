// The engine process. Engines that link a foreign library live in programs of their own beside this one; naming such an
// engine replaces this process by that program.
#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "base/fs.h"
#include "options.h"
#include "reasons.h"
#include "server.h"
#include "worker.h"

namespace {

using namespace hz;
using namespace hz::host;

// Engine libraries print to stdout at will. Ours moves out of their way: data keeps the real one, 1 becomes stderr.
int keep_stdout() {
  const int data = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  ::dup2(STDERR_FILENO, STDOUT_FILENO);
  return data;
}

int report(const Error& error) {
  fmt::print(stderr, "oip-host: {}\n{}\n", error.text(), error.reason->next);
  return exit_code(error.reason->code);
}

// Returns only when there is no such program, or this is it.
void become_sibling(const std::string& engine, char** argv) {
  if (engine != "opencv" && engine != "lift") return;
  std::error_code ignored;
  const fs::path self = fs::read_symlink("/proc/self/exe", ignored);
  const fs::path sibling = self.parent_path() / (engine == "lift" ? "onnx-lift" : "oip-host-opencv");
  if (self != sibling) ::execv(sibling.c_str(), argv);
}

LineFault line_fault(const EngineOptions& options) {
  if (options.name != "faulty") return LineFault::none;
  if (options.fault == "garbage") return LineFault::garbage;
  if (options.fault == "half_reply") return LineFault::half_reply;
  if (options.fault == "drip") return LineFault::drip;
  return LineFault::none;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  // Tensors of one request are freed and wanted again by the next: giving their pages back in between cost a quarter of
  // the processor time of the reference runtime.
  ::mallopt(M_MMAP_THRESHOLD, 32 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 256 << 20);
  auto options = parse_options({argv + 1, static_cast<std::size_t>(argc > 0 ? argc - 1 : 0)});
  if (!options) return report(options.error());
  if (options->verb == Options::Verb::help) {
    fmt::print("{}", help_text());
    return 0;
  }
  become_sibling(options->engine.name, argv);
  const Fd data(keep_stdout());
  auto engine = open_engine(options->engine);
  if (!engine) {
    const int code = report(engine.error());
    return options->verb == Options::Verb::worker && code != 2 ? decline_line(engine.error(), STDIN_FILENO, data.get())
                                                               : code;
  }
  if (options->verb == Options::Verb::serve) {
    auto served = serve_http(**engine, *options, data.get());
    return served ? 0 : report(served.error());
  }
  return serve_line(**engine, STDIN_FILENO, data.get(),
                    {line_fault(options->engine), options->engine.every, options->engine.slow_ms});
}
