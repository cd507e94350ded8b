#include "pool/local_site.h"

#include <signal.h>

#include <algorithm>
#include <thread>

#include "base/folders.h"
#include "pool/reasons.h"
#include "sandbox/cgroup.h"
#include "sandbox/detached.h"

namespace hz::pool {
namespace {

using sandbox::in_ms;
constexpr std::int64_t start_ms_max = 10'000, polite_ms_max = 3'000, kill_ms_max = 5'000;

class LocalSite final : public SiteAdapter {
 public:
  LocalSite(const SiteWorld& world, const SiteConfig& config) : claims_(world, config) {}

  Result<std::vector<DeviceClass>> inventory() override {
    return std::vector<DeviceClass>{{claims_.config().device, claims_.config().slots}};
  }
  Result<std::vector<DeviceClass>> offer() override {
    const std::int64_t free =
        claims_.draining() ? 0 : std::max<std::int64_t>(0, claims_.config().slots - held_devices());
    return std::vector<DeviceClass>{{claims_.config().device, free}};
  }

  Result<Observed> submit(const ServerJob& job) override {
    HZ_TRY(check(job));
    const Fd turn = HZ_TRY(claims_.lock());
    const auto known = HZ_TRY(claims_.recorded(job));
    if (!known) {
      if (claims_.draining()) return fail(why("pool.site_drained"), "{}", claims_.config().site);
      const KeptJob kept = HZ_TRY(claims_.prepare(job));
      if (const std::int64_t held = held_devices(); held + kept.devices > claims_.config().slots)
        return fail(why("pool.site_full"), "{}: {} of {} are held, {} are wanted", claims_.config().site, held,
                    claims_.config().slots, kept.devices);
      HZ_TRY(claims_.keeper_program());
      HZ_TRY(create_folder_durably(claims_.folder(job.claim).path()));
      HZ_TRY(claims_.folder(job.claim).write_request(kept));
    }
    const ClaimFolder folder = claims_.folder(job.claim);
    // Also when whoever asked first died between the record and the start.
    const auto keeper = HZ_TRY(folder.keeper());
    if (!HZ_TRY(folder.state()) && !(keeper && is_alive(*keeper)) && !folder.is_cancelled()) HZ_TRY(start(folder));
    return look(job.claim);
  }

  Result<Observed> observe(const std::string& claim) override { return look(claim); }

  Result<Observed> cancel(const std::string& claim) override {
    HZ_TRY(claims_.find(claim));
    const ClaimFolder folder = claims_.folder(claim);
    const Fd turn = HZ_TRY(claims_.lock());
    const auto state = HZ_TRY(folder.state());
    if (state && is_over(state->state)) return look(claim);
    HZ_TRY(folder.mark_cancelled());
    const auto keeper = HZ_TRY(folder.keeper());
    if (keeper && is_alive(*keeper)) {
      sandbox_end(*keeper);
    }
    const auto after = HZ_TRY(folder.state());
    if (!after || !is_over(after->state)) HZ_TRY(write_over(folder, claim, JobState::ended, {}, "cancelled"));
    return look(claim);
  }

  Result<JobUsage> usage(const std::string& claim) override {
    HZ_TRY(claims_.find(claim));
    auto usage = HZ_TRY(claims_.folder(claim).usage()).value_or(JobUsage{});
    usage.claim = claim;
    return usage;
  }

  Result<void> drain(bool on) override { return claims_.drain(on); }

  SiteHealth health() override {
    SiteHealth out;
    out.ok = true;
    out.draining = claims_.draining();
    if (const auto keeper = claims_.keeper_program(); !keeper) {
      out = {false, out.draining, std::string(keeper.error().reason->slug), keeper.error().detail};
    } else if (out.draining) {
      out.ok = false;
      out.reason = "pool.site_drained";
    }
    return out;
  }

  std::vector<std::string> claims() override { return claims_.list(); }
  Result<std::string> log(const std::string& claim) override {
    HZ_TRY(claims_.find(claim));
    return claims_.folder(claim).log_end(std::size_t{64} << 10);
  }

 private:
  Result<void> start(const ClaimFolder& folder) {
    const fs::path program = HZ_TRY(claims_.keeper_program());
    auto said = sandbox::start_detached({program.string(), folder.path().string()}, folder.path() / "keeper.log",
                                        in_ms(start_ms_max));
    if (!said) return fail(why("pool.keeper"), "{}", said.error().text());
    if (*said != "kept") return fail(why("pool.keeper"), "{}", folder.path().string());
    return {};
  }

  // By claims that are alive and not over. One whose keeper is gone counts no more, also before anybody observed it.
  std::int64_t held_devices() const {
    std::int64_t out = 0;
    for (const std::string& claim : claims_.list()) {
      const auto keeper = claims_.folder(claim).keeper();
      if (!keeper || !*keeper || !is_alive(**keeper)) continue;
      if (const auto kept = claims_.find(claim)) out += kept->devices;
    }
    return out;
  }

  Result<Observed> look(const std::string& claim) {
    const KeptJob kept = HZ_TRY(claims_.find(claim));
    const ClaimFolder folder = claims_.folder(claim);
    // The keeper is looked at first: one that is seen dead has written all it ever will.
    const auto keeper = HZ_TRY(folder.keeper());
    const bool alive = keeper && is_alive(*keeper);
    auto state = HZ_TRY(folder.state());
    if (!alive && keeper && (!state || !is_over(state->state))) {
      sandbox::Cgroup::remove_left(cgroup_name(claim, keeper->pid), claims_.config().cgroup_parent);
      HZ_TRY(
          write_over(folder, claim, JobState::failed, "pool.job_lost", fmt::format("process {} is gone", keeper->pid)));
      state = HZ_TRY(folder.state());
    }
    Observed out = state.value_or(blank(claim, JobState::starting));
    if (keeper) out.native = fmt::format("pid {}", keeper->pid);
    return claims_.settled(kept.job, std::move(out));
  }

  Result<void> write_over(const ClaimFolder& folder, const std::string& claim, JobState state, std::string_view reason,
                          std::string detail) {
    Observed out = HZ_TRY(folder.state()).value_or(blank(claim, state));
    out.state = state;
    out.since_ms = claims_.clock().now_ms();
    out.address.clear();
    out.port = 0;
    out.reason = reason;
    out.detail = std::move(detail);
    return folder.write_state(out);
  }

  // Politely, then not. The server dies with its keeper in either case.
  static void sandbox_end(const KeeperId& keeper) {
    for (const auto& [signal, patience_ms] : {std::pair{SIGTERM, polite_ms_max}, {SIGKILL, kill_ms_max}}) {
      send_signal(keeper, signal);
      for (const auto until = in_ms(patience_ms); is_alive(keeper) && std::chrono::steady_clock::now() < until;)
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
      if (!is_alive(keeper)) return;
    }
  }

  Claims claims_;
};

}  // namespace

std::unique_ptr<SiteAdapter> open_local_site(const SiteWorld& world, const SiteConfig& config) {
  return std::make_unique<LocalSite>(world, config);
}

}  // namespace hz::pool
