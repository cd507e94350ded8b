#include "pool/slurm_site.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

#include "pool/jwt.h"
#include "pool/reasons.h"
#include "pool/slurm_answer.h"
#include "sandbox/process.h"

namespace hz::pool {
namespace {

constexpr std::string_view api = "/slurm/v0.0.38";
constexpr std::int64_t token_life_s = 600, token_spare_s = 60, end_ms_max = 8'000;
constexpr std::size_t model_bytes_max = 512u << 20;

struct Native {
  std::int64_t job_id = 0;
  static constexpr auto fields() { return rows(row("job_id", &Native::job_id, "Slurm's id of the job")); }
};

// For /bin/sh.
std::string shell_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

class SlurmSite final : public SiteAdapter {
 public:
  SlurmSite(const SiteWorld& world, const SiteConfig& config, http::Exchange call)
      : claims_(world, config), call_(std::move(call)), shared_(config.shared) {}

  Result<std::vector<DeviceClass>> inventory() override {
    const SlurmNodes nodes = HZ_TRY(ask_nodes());
    return std::vector<DeviceClass>{{device(), nodes.total}};
  }
  Result<std::vector<DeviceClass>> offer() override {
    if (claims_.draining()) return std::vector<DeviceClass>{{device(), 0}};
    const SlurmNodes nodes = HZ_TRY(ask_nodes());
    return std::vector<DeviceClass>{{device(), std::max<std::int64_t>(0, nodes.total - nodes.taken)}};
  }

  Result<Observed> submit(const ServerJob& job) override {
    HZ_TRY(check(job));
    const Fd turn = HZ_TRY(claims_.lock());
    const auto known = HZ_TRY(claims_.recorded(job));
    const ClaimFolder folder = claims_.folder(job.claim);
    if (known && HZ_TRY(native(folder))) return look(job.claim);
    if (known && folder.is_cancelled()) return look(job.claim);
    // Recorded without Slurm's answer: it was lost, or whoever asked was killed. Or the shared folder knows a claim
    // whose record this machine lost with its power: records do not wait for the disk, since that would halve the rate.
    std::error_code error;
    const bool asked_before = known || fs::exists(shared_ / job.claim, error);
    KeptJob kept;
    if (known) {
      kept = *known;
    } else {
      if (claims_.draining()) return fail(why("pool.site_drained"), "{}", claims_.config().site);
      HZ_TRY(token());  // nothing is recorded for a site that would refuse it
      kept = HZ_TRY(claims_.prepare(job));
      fs::create_directory(folder.path(), error);
      HZ_TRY(folder.note_request(kept));
    }
    if (asked_before)
      if (const auto id = HZ_TRY(find_by_name(job.claim))) {
        HZ_TRY(write_native(folder, *id));
        return look(job.claim);
      }
    HZ_TRY(prepare_shared(std::move(kept)));
    const auto answer = HZ_TRY(ask("POST", "/job/submit", submission(job)));
    HZ_TRY(write_native(folder, HZ_TRY(slurm_submitted(answer))));
    return claims_.settled(job, queued(job.claim, "submitted"));
  }

  Result<Observed> observe(const std::string& claim) override { return look(claim); }

  Result<Observed> cancel(const std::string& claim) override {
    const KeptJob kept = HZ_TRY(claims_.find(claim));
    const ClaimFolder folder = claims_.folder(claim);
    Fd turn = HZ_TRY(claims_.lock());
    if (const auto state = HZ_TRY(folder.state()); state && is_over(state->state)) return look(claim);
    auto id = HZ_TRY(native(folder));
    if (!id) id = HZ_TRY(find_by_name(claim));
    HZ_TRY(folder.mark_cancelled());
    if (!id) return finish(kept, over(claim, JobState::ended, {}, "cancelled before Slurm had it"));
    HZ_TRY(write_native(folder, *id));
    if (std::error_code error; fs::exists(shared_ / claim, error))
      HZ_TRY(ClaimFolder(shared_ / claim).mark_cancelled());
    auto answer = HZ_TRY(ask("DELETE", fmt::format("/job/{}", *id)));
    if (auto gone = slurm_jobs(answer); !gone) return std::unexpected(std::move(gone).error());
    turn.reset();
    // The queue ends it in its own time; usually that is at once.
    const auto until = sandbox::in_ms(end_ms_max);
    for (;;) {
      Observed seen = HZ_TRY(look(claim));
      if (is_over(seen.state) || std::chrono::steady_clock::now() > until) return seen;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }

  Result<JobUsage> usage(const std::string& claim) override {
    HZ_TRY(claims_.find(claim));
    auto usage = HZ_TRY(ClaimFolder(shared_ / claim).usage()).value_or(JobUsage{});
    usage.claim = claim;
    return usage;
  }

  Result<void> drain(bool on) override { return claims_.drain(on); }

  SiteHealth health() override {
    SiteHealth out;
    out.draining = claims_.draining();
    auto nodes = ask_nodes();
    if (!nodes) {
      out.reason = nodes.error().reason->slug;
      out.detail = nodes.error().detail;
    } else if (out.draining || nodes->usable == 0) {
      out.reason = "pool.site_drained";
      if (!out.draining) out.detail = fmt::format("none of {} nodes takes work: drained or down", nodes->nodes);
    } else {
      out.ok = true;
      out.detail = fmt::format("{} of {} nodes", nodes->usable, nodes->nodes);
    }
    return out;
  }

  std::vector<std::string> claims() override { return claims_.list(); }
  Result<std::string> log(const std::string& claim) override {
    HZ_TRY(claims_.find(claim));
    return ClaimFolder(shared_ / claim).log_end(std::size_t{64} << 10);
  }

 private:
  std::string device() const {
    const std::string& gres = claims_.config().gres;
    return gres.empty() ? "cpu" : gres.substr(0, gres.find(':'));
  }

  // ---- Slurm

  Result<std::string> token() {
    const SiteConfig& config = claims_.config();
    const std::int64_t now_s = claims_.clock().now_ms() / 1000;
    if (config.jwt_key_file.empty()) {  // read for each request: whoever renews it tells nobody
      auto text = read_text(config.token_file, 16384);
      if (!text) return fail(why("pool.site_token"), "{}", text.error().detail);
      while (!text->empty() && (text->back() == '\n' || text->back() == ' ')) text->pop_back();
      if (text->starts_with("SLURM_JWT=")) text->erase(0, 10);
      if (text->empty() || text->find_first_of("\r\n ") != std::string::npos)
        return fail(why("pool.site_token"), "{} holds no token", config.token_file);
      if (const auto ends_s = jwt_expires_s(*text); ends_s && *ends_s <= now_s)
        return fail(why("pool.site_token"), "{} expired {} s ago", config.token_file, now_s - *ends_s);
      return *text;
    }
    if (made_until_s_ < now_s + token_spare_s) {
      const auto key = read_file(config.jwt_key_file, 16384);
      if (!key) return fail(why("pool.site_token"), "{}", key.error().detail);
      made_ = make_jwt(*key, config.user, now_s, token_life_s);
      made_until_s_ = now_s + token_life_s;
    }
    return made_;
  }

  Result<http::Response> ask(std::string_view method, std::string_view path, std::string body = {}) {
    http::Request request{
        .method = std::string(method),
        .path = fmt::format("{}{}", api, path),
        .headers = {{"x-slurm-user-name", claims_.config().user}, {"x-slurm-user-token", HZ_TRY(token())}},
        .body = std::move(body)};
    if (!request.body.empty()) request.headers.push_back({"content-type", "application/json"});
    auto answer = call_(request);
    if (!answer) return fail(why("pool.site_answer"), "{}", answer.error().detail);
    return answer;
  }

  Result<SlurmNodes> ask_nodes() { return slurm_nodes(HZ_TRY(ask("GET", "/nodes")), device()); }

  // The whole list: only after a submit whose answer was lost.
  Result<std::optional<std::int64_t>> find_by_name(const std::string& claim) {
    const auto jobs = HZ_TRY(slurm_jobs(HZ_TRY(ask("GET", "/jobs"))));
    if (jobs)
      for (const SlurmJob& job : *jobs)
        if (job.name == "hz-" + claim) return std::optional(job.id);
    return std::nullopt;
  }

  std::string submission(const ServerJob& job) const {
    const SiteConfig& config = claims_.config();
    const std::string folder = (shared_ / job.claim).string();
    json::Value environment, asked, out;
    environment.set("PATH", "/usr/bin:/bin");
    asked.set("name", "hz-" + job.claim).set("comment", job.claim).set("environment", std::move(environment));
    asked.set("current_working_directory", folder).set("standard_input", "/dev/null");
    asked.set("standard_output", folder + "/keeper.log").set("standard_error", folder + "/keeper.log");
    asked.set("tasks", 1).set("requeue", false);  // started again elsewhere it would be another server
    asked.set("time_limit", (job.limits.wall_ms_max + 59'999) / 60'000 + 1);
    if (!config.partition.empty()) asked.set("partition", config.partition);
    const std::int64_t devices = job.devices > 0 ? job.devices : devices_of_job(config);
    if (!config.gres.empty())
      asked.set("gres", fmt::format("{}:{}", gres_name(config.gres), devices));
    else if (devices > 1)  // of a site of processors
      asked.set("cpus_per_task", devices);
    out.set("script", fmt::format("#!/bin/sh\nexec {} {}\n", shell_quoted(keeper_), shell_quoted(folder)));
    out.set("job", std::move(asked));
    return json::dump(out);
  }

  // ---- files

  Result<void> give(const fs::path& path) {
    if (::geteuid() != 0) return {};
    if (!account_) {
      const struct passwd* entry = ::getpwnam(claims_.config().user.c_str());
      if (!entry)
        return fail(why("pool.site_config"), "{}: no account {}", claims_.config().site, claims_.config().user);
      account_ = {entry->pw_uid, entry->pw_gid};
    }
    if (::lchown(path.c_str(), account_->first, account_->second) != 0)
      return fail(hz::why("base.write"), "{}: {}", path.string(), std::strerror(errno));
    return {};
  }

  // What the compute node needs: the claim's folder, owned by the account, and the model by its digest.
  Result<void> prepare_shared(KeptJob kept) {
    keeper_ = HZ_TRY(claims_.keeper_program()).string();
    std::error_code error;
    fs::create_directories(shared_ / "models", error);
    const fs::path model = shared_ / "models" / kept.job.model_sha256;
    if (!fs::exists(model, error)) {
      const Bytes bytes = HZ_TRY(read_file(kept.job.model_path, model_bytes_max));
      HZ_TRY(replace_file(model, as_text(bytes)));
    }
    kept.job.model_path = model.string();
    kept.user.clear();  // it runs as the account already
    const ClaimFolder folder(shared_ / kept.job.claim);
    fs::create_directory(folder.path(), error);
    if (error) return fail(hz::why("base.write"), "{}: {}", folder.path().string(), error.message());
    fs::permissions(folder.path(), fs::perms::owner_all, error);
    HZ_TRY(replace_file(folder.path() / "request.json", json::pretty(to_json(kept)) + "\n"));
    HZ_TRY(give(folder.path() / "request.json"));
    return give(folder.path());
  }

  static Result<std::optional<std::int64_t>> native(const ClaimFolder& folder) {
    const auto text = read_text(folder.path() / "native.json", 4096);
    if (!text) return std::nullopt;
    return std::optional(HZ_TRY(from_json<Native>(HZ_TRY(json::parse(*text)))).job_id);
  }
  static Result<void> write_native(const ClaimFolder& folder, std::int64_t id) {
    return replace_file(folder.path() / "native.json", json::dump(to_json(Native{id})) + "\n");
  }

  // ---- states

  Observed queued(const std::string& claim, std::string detail) const {
    Observed out = blank(claim, JobState::queued);
    out.since_ms = claims_.clock().now_ms();
    out.detail = std::move(detail);
    return out;
  }
  Observed over(const std::string& claim, JobState state, std::string_view reason, std::string detail) const {
    Observed out = blank(claim, state);
    out.since_ms = claims_.clock().now_ms();
    out.reason = reason;
    out.detail = std::move(detail);
    return out;
  }
  Result<Observed> finish(const KeptJob& kept, Observed seen) {
    HZ_TRY(claims_.folder(kept.job.claim).write_state(seen));
    return claims_.settled(kept.job, std::move(seen));
  }

  Result<Observed> look(const std::string& claim) {
    const KeptJob kept = HZ_TRY(claims_.find(claim));
    const ClaimFolder folder = claims_.folder(claim);
    if (const auto state = HZ_TRY(folder.state())) return claims_.settled(kept.job, *state);
    const auto id = HZ_TRY(native(folder));
    if (!id) return claims_.settled(kept.job, queued(claim, "asked, and not confirmed by Slurm: submit it again"));
    // Slurm first, then the keeper's word: of a job that is over the keeper has said all it ever will.
    const auto jobs = HZ_TRY(slurm_jobs(HZ_TRY(ask("GET", fmt::format("/job/{}", *id)))));
    auto said = HZ_TRY(ClaimFolder(shared_ / claim).state());
    const auto named = [&](Observed seen) {
      seen.native = fmt::format("slurm job {}", *id);
      return seen;
    };
    if (said && is_over(said->state)) return finish(kept, named(*said));
    if (!jobs || jobs->empty())
      return finish(kept, named(over(claim, JobState::failed, "pool.job_lost", "Slurm knows the job no more")));
    const SlurmJob& job = jobs->front();
    switch (slurm_phase(job.state)) {
      case SlurmPhase::waiting:
        if (claims_.clock().now_ms() > kept.job.deadline_ms) {
          HZ_TRY(ask("DELETE", fmt::format("/job/{}", *id)));
          return finish(kept,
                        named(over(claim, JobState::failed, "pool.job_late", "Slurm did not start it: " + job.reason)));
        }
        return claims_.settled(kept.job, named(queued(claim, job.state + ": " + job.reason)));
      case SlurmPhase::running:
        return claims_.settled(kept.job, named(said.value_or(blank(claim, JobState::starting))));
      case SlurmPhase::cancelled:
        return finish(
            kept, named(over(claim, JobState::ended, {}, folder.is_cancelled() ? "cancelled" : "cancelled in Slurm")));
      case SlurmPhase::over:
        break;
    }
    return finish(kept, named(over(claim, JobState::failed, "pool.job_lost", "Slurm says " + job.state)));
  }

  Claims claims_;
  http::Exchange call_;
  fs::path shared_;
  std::string keeper_, made_;
  std::int64_t made_until_s_ = 0;
  std::optional<std::pair<uid_t, gid_t>> account_;
};

}  // namespace

std::unique_ptr<SiteAdapter> open_slurm_site(const SiteWorld& world, const SiteConfig& config, http::Exchange call) {
  return std::make_unique<SlurmSite>(world, config, std::move(call));
}

}  // namespace hz::pool
