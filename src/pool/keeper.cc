#include "pool/keeper.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "base/seams.h"
#include "pool/model_server.h"
#include "pool/reasons.h"
#include "sandbox/jail.h"
#include "sandbox/plain_http.h"

namespace hz::pool {
namespace {

constexpr std::int64_t probe_every_ms = 1'000, usage_every_ms = 500;
constexpr std::size_t model_bytes_max = 512u << 20, log_shown_bytes = 1500;

class Keeper {
 public:
  Keeper(ClaimFolder folder, KeptJob kept, int stop) : folder_(std::move(folder)), kept_(std::move(kept)), stop_(stop) {
    if (auto before = folder_.usage(); before && *before) usage_ = **before;
    usage_.claim = state_.claim = kept_.job.claim;
  }

  Result<void> run() {
    if (folder_.is_cancelled()) return over(JobState::ended, {}, "cancelled before it began");
    HZ_TRY(enter(JobState::starting));
    const ServerJob& job = kept_.job;
    auto model = read_file(job.model_path, model_bytes_max);
    if (!model) return over(JobState::failed, "pool.model_digest", model.error().text());
    sandbox::JailSpec spec{.argv = kept_.argv,
                           .env = kept_.env,
                           .read_paths = {kept_.read_paths.begin(), kept_.read_paths.end()},
                           .listen = kept_.listen,
                           .user = kept_.user,
                           .name = cgroup_name(job.claim, ::getpid()),
                           .cgroup_parent = kept_.cgroup_parent,
                           .memory_bytes_max = static_cast<std::uint64_t>(job.limits.memory_bytes_max),
                           .pids_max = static_cast<std::uint64_t>(job.limits.pids_max),
                           .denied = {job.denied.files.begin(), job.denied.files.end()},
                           .denied_hosts = job.denied.hosts};
    started_ = std::chrono::steady_clock::now();
    auto jail = sandbox::Jail::start(spec, kept_.isolation_least);
    if (!jail) return over(JobState::failed, "pool.job_start", jail.error().text());
    jail_.emplace(std::move(*jail));
    state_.isolation = jail_->facts().level;
    state_.gaps = jail_->facts().gaps;
    HZ_TRY(enter(JobState::starting));
    while (!is_over(state_.state)) HZ_TRY(step(*model));
    return {};
  }

 private:
  std::int64_t ran_ms() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - started_).count();
  }

  Result<void> step(Bytes& model) {
    std::string printed;
    const auto news = jail_->wait(sandbox::in_ms(usage_every_ms), stop_, printed);
    if (!printed.empty()) folder_.append_log(printed);
    HZ_TRY(count());
    if (take_refusals()) HZ_TRY(folder_.write_state(state_));
    if (news == sandbox::Jail::News::ended) return server_ended();
    signalfd_siginfo asked{};
    if (::read(stop_, &asked, sizeof asked) > 0) return over(JobState::ended, {}, "cancelled");
    if (ran_ms() >= kept_.job.limits.wall_ms_max)
      return over(JobState::ended, {}, fmt::format("its time of {} ms is over", kept_.job.limits.wall_ms_max));
    if (state_.state == JobState::starting) {
      if (system_clock().now_ms() > kept_.job.deadline_ms)
        return over(JobState::failed, "pool.job_late", "it did not say where it listens before the deadline");
      return news == sandbox::Jail::News::listens ? load(model) : Result<void>{};
    }
    const auto now = std::chrono::steady_clock::now();
    if (now < next_probe_) return {};
    next_probe_ = now + std::chrono::milliseconds(probe_every_ms);
    // On a connection of its own that is kept: a server whose every other connection is busy still answers this one.
    if (auto digest = served_digest(probe_, kept_.job); !digest) return lost(digest.error());
    return {};
  }

  // The server listens: it gets the model, and says what it then serves.
  Result<void> load(Bytes& model) {
    const std::int64_t left_ms = std::max<std::int64_t>(1, kept_.job.deadline_ms - system_clock().now_ms());
    auto digest = load_model(sandbox::plain_exchange(kept_.listen, jail_->facts().port, left_ms), kept_.job, model);
    model = {};
    if (!digest) {
      if (digest.error().reason->slug == "sandbox.timeout")
        return over(JobState::failed, "pool.job_late", "it did not load the model before the deadline");
      return lost(digest.error());
    }
    probe_ = sandbox::plain_exchange(kept_.listen, jail_->facts().port, kept_.hang_ms_max);
    state_.address = jail_->facts().address;
    state_.port = jail_->facts().port;
    state_.model = model_name(kept_.job.product);
    state_.sha256 = *digest;
    return enter(JobState::ready);
  }

  // An exchange failed: the server ended, hangs or does not do what it should. The first explains the others.
  Result<void> lost(const Error& error) {
    std::string printed;
    if (jail_->wait(sandbox::in_ms(200), -1, printed) == sandbox::Jail::News::ended) {
      folder_.append_log(printed);
      return server_ended();
    }
    folder_.append_log(printed);
    if (error.reason->slug == "sandbox.timeout")
      return over(JobState::failed, "pool.job_hangs", fmt::format("no answer for {} ms", kept_.hang_ms_max));
    const bool ours = error.reason->slug.starts_with("pool.");
    return over(JobState::failed, ours ? error.reason->slug : "pool.job_ended", error.detail);
  }

  Result<void> server_ended() {
    HZ_TRY(count());
    // A queue that ends a job signals all its processes at once: the server's end may be seen before the own signal.
    pollfd asked{stop_, POLLIN, 0};
    if (folder_.is_cancelled() || (jail_->ending().starts_with("signal 15") && ::poll(&asked, 1, 500) == 1))
      return over(JobState::ended, {}, "cancelled");
    if (jail_->usage().out_of_memory_kills > 0)
      return over(JobState::failed, "pool.job_memory",
                  fmt::format("limit {} bytes, {}", kept_.job.limits.memory_bytes_max, jail_->ending()));
    return over(JobState::failed, "pool.job_ended", jail_->ending());
  }

  Result<void> count() {
    if (jail_) {
      const sandbox::CgroupUsage now = jail_->usage();
      usage_.wall_ms = std::max(usage_.wall_ms, ran_ms());
      usage_.device_ms = usage_.wall_ms * kept_.devices;
      usage_.cpu_ms = std::max(usage_.cpu_ms, now.cpu_ms);
      usage_.memory_peak_bytes = std::max(usage_.memory_peak_bytes, now.memory_peak_bytes);
    }
    return folder_.write_usage(usage_);
  }

  // What it ran into since the last look; true when there was something.
  bool take_refusals() {
    if (!jail_ || jail_->refusals().size() == state_.refused.size()) return false;
    state_.refused = jail_->refusals();
    return true;
  }

  Result<void> enter(JobState state) {
    take_refusals();
    state_.state = state;
    state_.since_ms = system_clock().now_ms();
    return folder_.write_state(state_);
  }

  // Nothing runs any more when this is written.
  Result<void> over(JobState state, std::string_view reason, std::string detail) {
    if (jail_) {
      jail_->end();
      std::string printed;
      jail_->wait(sandbox::in_ms(0), -1, printed);
      if (!printed.empty()) folder_.append_log(printed);
    }
    HZ_TRY(count());
    state_.address.clear();
    state_.port = 0;
    state_.reason = reason;
    state_.detail = std::move(detail);
    take_refusals();
    for (const sandbox::Refusal& one : state_.refused)
      if (state == JobState::failed) state_.detail += "; " + one.text();
    if (state == JobState::failed)
      if (const std::string words = folder_.log_end(log_shown_bytes); !words.empty())
        state_.detail += "; its last words: " + words;
    return enter(state);
  }

  ClaimFolder folder_;
  KeptJob kept_;
  int stop_;
  Observed state_;
  JobUsage usage_;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now(), next_probe_{};
  std::optional<sandbox::Jail> jail_;
  http::Exchange probe_;
};

int complain(const Error& error) {
  std::fprintf(stderr, "hezong-keeper: %s\n", error.text().c_str());
  return 1;
}

}  // namespace

int keep(const fs::path& path) {
  const ClaimFolder folder(path);
  // One keeper a claim, whoever starts it how often: the lock falls with its holder.
  const Fd lock(::open((path / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!lock) return complain(Error{&hz::why("base.write"), fmt::format("{}: {}", path.string(), std::strerror(errno))});
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return 3;
  sigset_t asked;
  ::sigemptyset(&asked);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&asked, signal);
  ::sigprocmask(SIG_BLOCK, &asked, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  const Fd stop(::signalfd(-1, &asked, SFD_CLOEXEC | SFD_NONBLOCK));
  const auto self = identify_process(::getpid());
  if (!stop || !self) return complain(Error{&hz::why("base.read"), "/proc is not readable"});
  if (auto written = folder.write_keeper(*self); !written) return complain(written.error());
  auto kept = folder.request();
  if (!kept) return complain(kept.error());
  if (!*kept) return complain(Error{&hz::why("base.read"), (path / "request.json").string()});
  if (auto before = folder.state(); before && *before && is_over((*before)->state)) return 0;  // a claim runs once
  std::printf("kept\n");
  std::fflush(stdout);
  const auto done = Keeper(folder, std::move(**kept), stop.get()).run();
  return done ? 0 : complain(done.error());
}

}  // namespace hz::pool
