// A server in a room of its own: it sees the system's libraries, its own programs and nothing else, reaches no network,
// and is reached through one port.
//
// Three processes. Whoever holds the Jail object (the keeper) stays outside and decides. The *warder* is the first
// process inside: it builds the room, starts the server, carries connections to it (forward.h) and ends with it; when
// the keeper dies the warder ends, and with the first process of a process namespace everything in it. The server is
// the third: another user when the keeper is root, no capability, no way to gain one, a system call filter.
//
// Built from what the kernel grants; what it refuses is named in `gaps` and lowers `level`, never hides. One thread may
// use it, and the starting process must have no other threads.
#pragma once
#include <optional>

#include "sandbox/cgroup.h"
#include "sandbox/process.h"
#include "sandbox/refusal.h"

namespace hz::sandbox {

struct JailSpec {
  std::vector<std::string> argv;     // argv[0] is a path; the server prints {"port":N} as its first line
  std::vector<std::string> env;      // the whole environment
  std::vector<fs::path> read_paths;  // what it may read beside the system's /usr, /etc/ld.so.cache and locales
  std::string listen = "127.0.0.1";  // outer IPv4 address; the port is chosen by the kernel
  std::string user;                  // when root: the local account to run as; empty: nobody
  std::string name;                  // of its control group
  std::string cgroup_parent;         // see Cgroup::create
  std::uint64_t memory_bytes_max = 0, pids_max = 0;  // 0: none
  std::uint64_t scratch_bytes_max = 64u << 20;       // its /tmp, in memory
  // A drill of a loss. Files of these paths, wherever they are seen inside, cannot be opened; hosts of these names
  // cannot be reached. What runs into it is told by refusals(). A machine that grants no room refuses such a job.
  std::vector<fs::path> denied;
  std::vector<std::string> denied_hosts;
  bool denies() const { return !denied.empty() || !denied_hosts.empty(); }
};

struct JailFacts {
  Isolation level = Isolation::s0;
  std::vector<std::string> gaps;  // what this machine did not grant, a line each
  std::string address;
  std::uint16_t port = 0;
  std::int64_t user_id = 0;
};

class Jail {
 public:
  // The room stands and the server's program runs. Errors: sandbox.start (step and errno text, exec included),
  // sandbox.user, and sandbox.isolation when less than `least` is possible here.
  static Result<Jail> start(const JailSpec& spec, Isolation least);
  Jail(Jail&& other) noexcept;
  Jail& operator=(Jail&& other) noexcept;
  ~Jail();

  enum class News { none, listens, ended };
  // Waits for news until the deadline or until `wake` (a descriptor, -1: none) can be read. What the server printed
  // meanwhile is appended to `printed`.
  News wait(Deadline deadline, int wake, std::string& printed);

  const JailFacts& facts() const { return facts_; }
  // So far, each once, in order; as far as wait() was called.
  const std::vector<Refusal>& refusals() const { return refusals_; }
  pid_t warder() const { return pid_; }
  // "exit 3", "signal 9 (SIGKILL)"; "" while it runs.
  const std::string& ending() const { return ending_; }
  CgroupUsage usage() const;
  // Kills everything inside. Idempotent.
  void end();

 private:
  Jail() = default;
  void note_refusal(const std::string& words);
  static Result<Jail> try_start(const JailSpec& spec, unsigned long namespaces, std::vector<std::string> gaps);
  pid_t pid_ = -1;
  bool collected_ = false;
  Fd control_, report_, output_;
  std::string report_text_, ending_;
  std::vector<Refusal> refusals_;
  JailFacts facts_;
  std::optional<Cgroup> group_;
  CgroupUsage last_;
};

}  // namespace hz::sandbox
