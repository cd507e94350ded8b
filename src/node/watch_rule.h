// When does a product that a drill moved have to go back? Pure: counts in, a sentence out.
//
// Real requests have no labels, so what can be seen is how often the substitute and the incumbent say the same. The
// substitute was let in with a certain agreement on the golden set, and the product tolerates a certain drop; it may
// not agree less than the one minus the other, by more than the noise of the sample (known_answers.h, two standard
// errors at the worst, a half). That noise is generous for a share near one, and must be: the rule is asked again with
// every new pair, and a rule that errs once in fifty looks would roll a good product back within the hour.
//
// The simpler idea, one share over all that was ever compared, does not see a server that turns wrong after a good day.
// So the newest pairs are looked at, few of them and many: few show a server that lies at once, many one that is only a
// little off.
#pragma once
#include <deque>
#include <span>
#include <string>

#include "drill/watched.h"

namespace hz::node {

// One request that was answered by both.
struct Rerun {
  std::int64_t judged = 0, agreeing = 0;  // rows; none judged: nothing but ties
  bool within = false;                    // the logits rule
};

struct WatchTerms {
  std::int64_t agreement_milli = 1'000;  // with the reference, of the substitute on the whole golden set
  std::int64_t drop_max_milli = 0;       // what the product tolerates
};

inline constexpr std::size_t reruns_kept_max = 1'000;
inline constexpr std::size_t rerun_windows[] = {20, 100, 300, reruns_kept_max};

// "" while it may stay; else why not, with sample size and noise. `reruns`: oldest first. Below the smallest window
// nothing is said.
std::string falls_short(const std::deque<Rerun>& reruns, const WatchTerms& terms);

// A sample of known answers fell short by more than its noise can be. Else the whole set decides.
bool is_beyond_noise(const drill::Answers& sample, const WatchTerms& terms);

// Counts are worth a statement: they have doubled, or `ms` went by since the last one and something is new.
bool is_worth_saying(const drill::DrillWatched& now, const drill::DrillWatched& said, std::int64_t ms);

}  // namespace hz::node
