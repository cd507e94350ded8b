// A child process on a short leash: pipes, limits, a deadline for every exchange, and an end that is always collected.
//
// This is isolation level S0 (sandbox/isolation.h): it protects the parent from crashes, hangs and floods, not from
// malice. Lifetime: the child gets SIGKILL when the *thread* that started it ends (PR_SET_PDEATHSIG is per thread), so
// the thread that starts a process must be the one that uses it.
#pragma once
#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/fs.h"
#include "sandbox/isolation.h"

namespace hz::sandbox {

using Deadline = std::chrono::steady_clock::time_point;
inline Deadline in_ms(std::int64_t ms) { return std::chrono::steady_clock::now() + std::chrono::milliseconds(ms); }

// 0 leaves the inherited limit. Core dumps are always off.
struct Limits {
  std::uint64_t address_space_bytes_max = 0;  // RLIMIT_AS, per process; leave 0 under AddressSanitizer
  std::uint64_t cpu_s_max = 0;                // RLIMIT_CPU
  std::uint64_t files_open_max = 64;          // RLIMIT_NOFILE
  std::uint64_t file_bytes_max = 0;           // RLIMIT_FSIZE
};

struct Command {
  std::vector<std::string> argv;  // argv[0] is a path; no search
  std::vector<std::string> env;   // the whole environment, "NAME=value"
  fs::path folder;                // working folder; empty = inherited
  Limits limits;
};

// How a process ended.
struct Ending {
  enum class How : std::uint8_t { exited, signalled };
  How how = How::exited;
  int code = 0;  // exit status or signal number
  std::int64_t cpu_ms = 0;
  std::int64_t memory_peak_kib = 0;
  std::string text() const;  // "exit 3", "signal 11 (SIGSEGV)"
};

class Process {
 public:
  // Own process group and no inherited descriptor but stdin, stdout and stderr, which lead here.
  // Errors: sandbox.start (with the step and errno text, exec included).
  static Result<Process> start(const Command& command);
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  ~Process();  // kills the group and collects the child

  pid_t pid() const { return pid_; }

  // One frame: u32 big-endian length, then the payload. Both directions obey one deadline for the whole frame, so a
  // slow drip is a timeout too. Errors: sandbox.timeout, sandbox.ended (with the ending), sandbox.frame (length over
  // size_max). After any error the process is of no use but for end().
  Result<void> write_frame(ByteView payload, Deadline deadline);
  Result<Bytes> read_frame(std::size_t size_max, Deadline deadline);

  // One line of at most size_max bytes, without its newline: for servers that say on stdout where they listen.
  Result<std::string> read_line(std::size_t size_max, Deadline deadline);

  // One line, with a newline added. Errors: sandbox.timeout, sandbox.ended.
  Result<void> write_line(std::string_view text, Deadline deadline);

  // Closes stdin: the polite request to end.
  void close_input();
  // Waits until the child has ended by itself; nullopt when the deadline came first.
  std::optional<Ending> wait(Deadline deadline);
  // Kills the whole group and collects the child. Idempotent; returns the same ending every time.
  Ending end();
  // The last 4 KiB of stderr read so far (drained during exchanges and at the end), made printable.
  std::string complaint();

 private:
  Process() = default;
  Result<void> write_all(ByteView bytes, Deadline deadline);
  Result<void> read_all(std::uint8_t* out, std::size_t size, Deadline deadline, bool may_end);
  Error ended_error();
  void drain_stderr();
  bool collect(int wait_options);

  pid_t pid_ = -1;
  Fd in_, out_, err_;
  std::string err_tail_;
  std::optional<Ending> ending_;
};

}  // namespace hz::sandbox
