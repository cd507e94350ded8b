// Two forks: the first child ends at once and is collected here, so the second belongs to the system's first process.
// Between fork and exec only async-signal-safe calls: the caller may have threads.
#include "sandbox/detached.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "sandbox/reasons.h"

extern char** environ;

namespace hz::sandbox {

Result<std::string> start_detached(const std::vector<std::string>& argv, const fs::path& log, Deadline deadline) {
  int out[2], report[2];
  if (::pipe2(out, O_CLOEXEC) != 0) return fail(why("sandbox.start"), "pipe: {}", std::strerror(errno));
  Fd out_read(out[0]), out_write(out[1]);
  if (::pipe2(report, O_CLOEXEC) != 0) return fail(why("sandbox.start"), "pipe: {}", std::strerror(errno));
  Fd report_read(report[0]), report_write(report[1]);
  const Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const Fd err(::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!null || !err) return fail(why("sandbox.start"), "{}: {}", log.string(), std::strerror(errno));
  std::vector<char*> pointers;
  for (const std::string& text : argv) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);

  const pid_t first = ::fork();
  if (first < 0) return fail(why("sandbox.start"), "fork: {}", std::strerror(errno));
  if (first == 0) {
    const pid_t second = ::fork();
    if (second != 0) ::_exit(second < 0 ? 1 : 0);
    ::setsid();
    for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    if (::dup2(null.get(), 0) >= 0 && ::dup2(out_write.get(), 1) >= 0 && ::dup2(err.get(), 2) >= 0 &&
        ::close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) == 0)
      ::execve(pointers[0], pointers.data(), environ);
    const int error = errno;
    [[maybe_unused]] const auto n = ::write(report_write.get(), &error, sizeof error);
    ::_exit(127);
  }
  out_write.reset();
  report_write.reset();
  int status = 0;
  while (::waitpid(first, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return fail(why("sandbox.start"), "fork");
  int error = 0;
  ssize_t n = 0;
  while ((n = ::read(report_read.get(), &error, sizeof error)) < 0 && errno == EINTR) {
  }
  if (n == static_cast<ssize_t>(sizeof error))
    return fail(why("sandbox.start"), "exec {}: {}", argv[0], std::strerror(error));
  std::string line;
  while (line.find('\n') == std::string::npos) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    pollfd p{out_read.get(), POLLIN, 0};
    if (left <= 0 || ::poll(&p, 1, static_cast<int>(std::min<std::int64_t>(left, 1 << 30))) == 0)
      return fail(why("sandbox.timeout"), "{} said nothing", argv[0]);
    char chunk[256];
    n = ::read(out_read.get(), chunk, sizeof chunk);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail(why("sandbox.ended"), "{} said nothing; see {}", argv[0], log.string());
    line.append(chunk, static_cast<std::size_t>(n));
    if (line.size() > 4096) break;
  }
  return line.substr(0, line.find('\n'));
}

}  // namespace hz::sandbox
