#include "node/watch_rule.h"

#include <fmt/format.h>

#include <limits>

#include "node/known_answers.h"

namespace hz::node {
namespace {

constexpr std::int64_t say_after_ms = 600'000;

std::string percent(std::int64_t milli) { return fmt::format("{}.{} %", milli / 10, milli % 10); }

// A round of known answers weighs as much as ten pairs.
std::int64_t weight(const drill::DrillWatched& one) {
  return one.compared + one.unanswered + one.incomparable / 1'000 + 10 * one.canaries;
}

}  // namespace

std::string falls_short(const std::deque<Rerun>& reruns, const WatchTerms& terms) {
  for (const std::size_t window : rerun_windows) {
    if (reruns.size() < window) break;
    std::int64_t judged = 0, agreeing = 0, requests = 0, whole = 0;
    for (auto one = reruns.end() - static_cast<std::ptrdiff_t>(window); one != reruns.end(); ++one) {
      if (one->judged == 0) continue;
      ++requests;
      whole += one->agreeing == one->judged;
      judged += one->judged;
      agreeing += one->agreeing;
    }
    if (requests < static_cast<std::int64_t>(rerun_windows[0]) / 2) continue;
    // Rows of one request are not independent, so the noise is that of so many requests.
    const std::int64_t noise = noise_milli(requests, std::numeric_limits<std::int64_t>::max());
    const std::int64_t seen = agreeing * 1'000 / judged;
    const std::int64_t least = terms.agreement_milli - terms.drop_max_milli;
    if (seen + noise >= least) continue;
    return fmt::format(
        "real requests: it agrees with the incumbent on {} of the newest {} that were executed again ({} ± {}), "
        "where {} was shown on the golden set and {} may be lost",
        whole, requests, percent(seen), percent(noise), percent(terms.agreement_milli), percent(terms.drop_max_milli));
  }
  return "";
}

bool is_beyond_noise(const drill::Answers& sample, const WatchTerms& terms) {
  return sample.verdict == "FAILED" && sample.cases > 0 &&
         sample.agreement_milli + sample.noise_milli < terms.agreement_milli - terms.drop_max_milli;
}

bool is_worth_saying(const drill::DrillWatched& now, const drill::DrillWatched& said, std::int64_t ms) {
  const std::int64_t seen = weight(now), before = weight(said);
  if (seen <= before) return false;
  return (seen >= 10 && seen >= 2 * before) || ms >= say_after_ms;
}

}  // namespace hz::node
