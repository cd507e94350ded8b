// A claim on disk (docs/formats/claim.md): the request, who keeps it, its state, its usage, its log. Any process of the
// member may read it and act; nothing about a claim lives in memory only, so a node that was restarted finds its
// servers.
#pragma once
#include <optional>

#include "base/fs.h"
#include "pool/job.h"

namespace hz::pool {

// What the keeper is told: the job, and how its server is started and separated.
struct KeptJob {
  ServerJob job;
  std::vector<std::string> argv, env, read_paths;
  std::string listen = "127.0.0.1";
  std::string user, cgroup_parent;
  sandbox::Isolation isolation_least = sandbox::Isolation::s0;
  std::int64_t hang_ms_max = 10'000;  // a server silent for so long hangs
  std::int64_t devices = 1;
  static constexpr auto fields() {
    return rows(row("job", &KeptJob::job, "what is asked for"), row("argv", &KeptJob::argv, "the server's program"),
                row("env", &KeptJob::env, "its environment"),
                row("read_paths", &KeptJob::read_paths, "what it may read beside the system's libraries"),
                row("listen", &KeptJob::listen, "address where it is reached"),
                row("user", &KeptJob::user, "local account it runs as; empty: the owner's, or nobody for root"),
                row("cgroup_parent", &KeptJob::cgroup_parent, "where its control group stands; empty: anywhere"),
                row("isolation_least", &KeptJob::isolation_least, "less than that is refused"),
                row("hang_ms_max", &KeptJob::hang_ms_max, "silent for so long is failed"),
                row("devices", &KeptJob::devices, "how many devices it holds"));
  }
};

// A process, so that another one with the same number is never taken for it.
struct KeeperId {
  std::int64_t pid = 0, start_ticks = 0;
  std::string boot;  // id of the kernel's boot
  bool operator==(const KeeperId&) const = default;
  static constexpr auto fields() {
    return rows(row("pid", &KeeperId::pid, "process"), row("start_ticks", &KeeperId::start_ticks, "when it began"),
                row("boot", &KeeperId::boot, "in which boot of the machine"));
  }
};
// Of a process that runs now; nullopt when it is gone or only waits to be collected.
std::optional<KeeperId> identify_process(std::int64_t pid);
bool is_alive(const KeeperId& keeper);
// Signals exactly this process. False when it is gone.
bool send_signal(const KeeperId& keeper, int signal);

// The control group of a claim's server: two members of one machine may use one claim.
inline std::string cgroup_name(std::string_view claim, std::int64_t keeper_pid) {
  return fmt::format("hezong-{}-{}", claim, keeper_pid);
}

class ClaimFolder {
 public:
  explicit ClaimFolder(fs::path folder) : folder_(std::move(folder)) {}
  const fs::path& path() const { return folder_; }

  // Each nullopt when the file is not there. Errors: base.read, base.json_*: a damaged file is never taken for none.
  Result<std::optional<KeptJob>> request() const;
  Result<std::optional<Observed>> state() const;
  Result<std::optional<KeeperId>> keeper() const;
  Result<std::optional<JobUsage>> usage() const;
  bool is_cancelled() const;

  // Whole or not at all; requests and states also survive a power cut. Errors: base.write.
  Result<void> write_request(const KeptJob& kept) const;
  Result<void> note_request(const KeptJob& kept) const;  // survives a kill, not a power cut
  Result<void> write_state(const Observed& state) const;
  Result<void> write_keeper(const KeeperId& keeper) const;
  Result<void> write_usage(const JobUsage& usage) const;
  Result<void> mark_cancelled() const;

  // The log of the server: appended, the older half dropped beyond 256 KiB.
  void append_log(std::string_view text) const;
  // Its last `bytes_max` bytes, printable ASCII and line feeds.
  std::string log_end(std::size_t bytes_max) const;

 private:
  fs::path folder_;
};

// New content by rename, without waiting for the disk: for what may be lost with the machine.
Result<void> replace_file(const fs::path& path, std::string_view text);

}  // namespace hz::pool
