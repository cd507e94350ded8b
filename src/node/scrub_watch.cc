#include "node/scrub_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

namespace hz::node {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::chrono::seconds keep_every{10};

}  // namespace

ScrubWatch::ScrubWatch(fs::path home, Clock& clock, const ScrubOptions& options,
                       std::function<std::vector<Damage>()> repair, CheckViews views)
    : home_(std::move(home)), clock_(clock), options_(options), repair_(std::move(repair)), views_(std::move(views)) {
  if (options_.mb_per_s > 0) thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

bool ScrubWatch::sleep(const std::stop_token& stop, std::chrono::nanoseconds time) {
  std::unique_lock held(mutex_);
  wake_.wait_for(held, stop, time, [] { return false; });
  return !stop.stop_requested();
}

void ScrubWatch::run(const std::stop_token& stop) {
  if (!sleep(stop, std::chrono::milliseconds(options_.begin_ms))) return;
  ScrubPass pass(home_, clock_, views_);
  auto read_since = Steady::now(), kept = read_since;
  const auto pace = [&](std::uint64_t bytes) {
    // As long as the rate asks, and so long that this thread has its share of a core and no more.
    const std::chrono::duration<double> took = Steady::now() - read_since;
    const double by_rate = static_cast<double>(bytes) / (static_cast<double>(options_.mb_per_s) * 1e6) - took.count();
    const double by_share = took.count() * (1 / options_.core_share - 1);
    const bool on = sleep(stop, std::chrono::duration_cast<std::chrono::nanoseconds>(
                                    std::chrono::duration<double>(std::max(by_rate, by_share))));
    read_since = Steady::now();
    return on;
  };
  std::size_t told = 0;
  while (!stop.stop_requested()) {
    const auto& last = pass.report().last;
    const std::int64_t since_ms = last ? clock_.now_ms() - last->began_ms : options_.every_ms;
    // A clock that went back begins a pass too early, which harms nobody.
    if (!pass.report().running && since_ms >= 0 && since_ms < options_.every_ms) {
      if (!sleep(stop, std::chrono::milliseconds(std::min<std::int64_t>(options_.every_ms - since_ms, 60'000)))) break;
      continue;
    }
    read_since = Steady::now();
    const bool ended = pass.step(pace);
    const auto damage = pass.report().damage();
    for (; told < damage.size(); ++told)
      fmt::print(stderr, "scrub: {}: {}: {}; `hezong log scrub --repair` fetches it from mirrors\n", damage[told].place,
                 damage[told].reason, damage[told].detail);
    if (ended) {
      for (const Damage& one : pass.report().last->damage)
        if (one.repaired)
          fmt::print(stderr, "scrub: {}: {}: {}; replaced by what the logs say\n", one.place, one.reason, one.detail);
      if (repair_ && !damage.empty()) pass.mark_repaired(repair_());
      told = 0;
    }
    if (ended || Steady::now() - kept > keep_every) {
      pass.keep();
      kept = Steady::now();
    }
  }
  pass.keep();
}

}  // namespace hz::node
