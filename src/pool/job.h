// A model server as a job of a site: what is asked for, what became of it, what it used.
#pragma once
#include <array>
#include <string>
#include <vector>

#include "base/fields.h"
#include "sandbox/isolation.h"
#include "sandbox/refusal.h"

namespace hz::pool {

struct JobLimits {
  std::int64_t memory_bytes_max = std::int64_t{2} << 30;
  std::int64_t pids_max = 128;
  std::int64_t wall_ms_max = 86'400'000;  // from its start; then it is ended
  bool operator==(const JobLimits&) const = default;
  static constexpr auto fields() {
    return rows(row("memory_bytes_max", &JobLimits::memory_bytes_max, "memory of everything in it"),
                row("pids_max", &JobLimits::pids_max, "processes and threads"),
                row("wall_ms_max", &JobLimits::wall_ms_max, "from its start until it is ended"));
  }
};

// Errors: pool.job_limits.
Result<void> check(const JobLimits& limits);
constexpr bool fits(const JobLimits& wanted, const JobLimits& most) {
  return wanted.memory_bytes_max <= most.memory_bytes_max && wanted.pids_max <= most.pids_max &&
         wanted.wall_ms_max <= most.wall_ms_max;
}

// What a drill takes away from the server for real. Paths are of the site's machine; what is not there is no matter.
struct Denied {
  std::vector<std::string> files, hosts;
  bool operator==(const Denied&) const = default;
  bool empty() const { return files.empty() && hosts.empty(); }
  static constexpr auto fields() {
    return rows(row("files", &Denied::files, "absolute paths that it cannot open"),
                row("hosts", &Denied::hosts, "names that it cannot reach"));
  }
};
inline constexpr std::size_t denied_files_max = 512, denied_hosts_max = 200;

struct ServerJob {
  std::string claim;         // 1 to 64 of [0-9a-z-]: the one id of this job, at every site and in every bill
  std::string site;          // "site:hall-a"
  std::string product;       // "product:glyph"
  std::string backend;       // "backend:ort"
  std::string model_sha256;  // of the bytes it must serve
  std::string model_path;    // where they are, on the site's machine
  JobLimits limits;
  std::int64_t deadline_ms = 0;  // since 1970: not ready by then is failed
  std::string evidence;          // statement that the model passed on this backend, or ""; shown to callers
  Denied denied = {};            // in a drill of a loss
  std::int64_t devices = 0;      // how many it holds; 0: as many as the site gives a job
  bool operator==(const ServerJob&) const = default;
  static constexpr auto fields() {
    return rows(row("claim", &ServerJob::claim, "id of the job"), row("site", &ServerJob::site, "where"),
                row("product", &ServerJob::product, "which product it serves"),
                row("backend", &ServerJob::backend, "which engine"),
                row("model_sha256", &ServerJob::model_sha256, "digest of the model's bytes"),
                row("model_path", &ServerJob::model_path, "file with them"),
                row("limits", &ServerJob::limits, "what it may take"),
                row("deadline_ms", &ServerJob::deadline_ms, "ready by then, ms since 1970"),
                row("evidence", &ServerJob::evidence, "statement id, or empty", or_default),
                row("denied", &ServerJob::denied, "what a drill takes away from it", or_default),
                row("devices", &ServerJob::devices, "devices it holds; 0: as the site's settings say", or_default));
  }
};
inline constexpr std::int64_t devices_max = 1'000'000;
// Errors: pool.claim_id, pool.site_id, pool.job_limits (what is denied included), pool.model_digest, pool.device_count.
Result<void> check(const ServerJob& job);
// The name under which a product's model is loaded: its id, with what a URL or the protocol minds replaced by '-'.
std::string model_name(std::string_view product);

// failed: by itself or by what it did; ended: because it was asked to, or its time was over.
enum class JobState : std::uint8_t { queued, starting, ready, failed, ended };
constexpr auto enum_names(JobState) {
  return std::array<EnumName<JobState>, 5>{{{JobState::queued, "queued"},
                                            {JobState::starting, "starting"},
                                            {JobState::ready, "ready"},
                                            {JobState::failed, "failed"},
                                            {JobState::ended, "ended"}}};
}
constexpr bool is_over(JobState state) { return state == JobState::failed || state == JobState::ended; }

// What a site knows of a claim. Address to sha256 only when ready.
struct Observed {
  std::string claim;
  JobState state = JobState::queued;
  std::int64_t since_ms = 0;  // in this state, ms since 1970
  std::string address;        // IPv4
  std::int64_t port = 0;
  std::string model;   // its name at the server
  std::string sha256;  // what the server says it loaded, which is what was asked
  sandbox::Isolation isolation = sandbox::Isolation::s0;
  std::vector<std::string> gaps;               // what the machine did not grant, a line each
  std::vector<sandbox::Refusal> refused = {};  // it ran into what is denied, in order
  std::string native;                          // the site's own id, or ""
  std::string reason;                          // slug, when failed
  std::string detail;                          // a sentence; of failed servers with the end of their log
  static constexpr auto fields() {
    return rows(row("claim", &Observed::claim, "id of the job"),
                row("state", &Observed::state, "queued, starting, ready, failed or ended"),
                row("since_ms", &Observed::since_ms, "in this state since, ms since 1970"),
                row("address", &Observed::address, "IPv4 address where it is reached", or_default),
                row("port", &Observed::port, "TCP port", or_default),
                row("model", &Observed::model, "the model's name there", or_default),
                row("sha256", &Observed::sha256, "digest that the server says it loaded", or_default),
                row("isolation", &Observed::isolation, "S0 to S3", or_default),
                row("gaps", &Observed::gaps, "what this machine did not grant"),
                row("refused", &Observed::refused, "what it asked for and is denied"),
                row("native", &Observed::native, "the site's own id of it", or_default),
                row("reason", &Observed::reason, "why it failed", or_default),
                row("detail", &Observed::detail, "what is known about that", or_default));
  }
};

inline Observed blank(std::string claim, JobState state) {
  Observed out;
  out.claim = std::move(claim);
  out.state = state;
  return out;
}

// All figures only grow while a claim lives and stay when it is over.
struct JobUsage {
  std::string claim;
  std::int64_t wall_ms = 0;    // from the start of its first process
  std::int64_t device_ms = 0;  // wall_ms times the devices it held
  std::int64_t cpu_ms = 0;     // of all its processes
  std::int64_t memory_peak_bytes = 0;
  static constexpr auto fields() {
    return rows(row("claim", &JobUsage::claim, "id of the job"),
                row("wall_ms", &JobUsage::wall_ms, "since its first process, ms"),
                row("device_ms", &JobUsage::device_ms, "devices held, ms"),
                row("cpu_ms", &JobUsage::cpu_ms, "processor time, ms"),
                row("memory_peak_bytes", &JobUsage::memory_peak_bytes, "most memory at once"));
  }
};

}  // namespace hz::pool
