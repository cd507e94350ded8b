#include "node/watch_rule.h"

#include <doctest/doctest.h>

using namespace hz;
using namespace hz::node;

namespace {

// So many pairs of which every `every`-th disagrees; 0: none.
std::deque<Rerun> pairs(std::size_t count, std::size_t every) {
  std::deque<Rerun> out;
  for (std::size_t i = 1; i <= count; ++i) out.push_back({1, every == 0 || i % every != 0, true});
  return out;
}
void add(std::deque<Rerun>& to, const std::deque<Rerun>& more) { to.insert(to.end(), more.begin(), more.end()); }

const WatchTerms terms{1'000, 5};

}  // namespace

TEST_CASE("watch rule: nothing is said of few pairs, and twenty wrong ones are enough") {
  CHECK(falls_short({}, terms).empty());
  CHECK(falls_short(pairs(19, 1), terms).empty());
  const std::string why = falls_short(pairs(20, 1), terms);
  CHECK(why.contains("agrees with the incumbent on 0 of the newest 20"));
  CHECK(why.contains("± 22.3 %"));
  CHECK(why.contains("0.5 % may be lost"));
}

TEST_CASE("watch rule: agreement goes down to what was shown, less what may be lost, less the noise, and no further") {
  CHECK(falls_short(pairs(1'000, 0), terms).empty());
  CHECK(falls_short(pairs(1'000, 100), terms).empty());       // 99.0 % is within the noise of 1,000
  CHECK_FALSE(falls_short(pairs(1'000, 20), terms).empty());  // 95.0 % + 3.1 % is below 99.5 %
  CHECK(falls_short(pairs(1'000, 20), {970, 20}).empty());    // one that was let in with 97 % and may lose 2
  CHECK(falls_short(pairs(100, 20), terms).empty());          // the same share of 100 shows nothing
}

TEST_CASE("watch rule: a server that turns wrong after a long good time is seen by its newest answers") {
  auto seen = pairs(980, 0);
  add(seen, pairs(12, 1));
  CHECK(falls_short(seen, terms).contains("of the newest 20"));  // 8 of 20 agree
  seen = pairs(980, 0);
  add(seen, pairs(3, 1));
  CHECK(falls_short(seen, terms).empty());
}

TEST_CASE("watch rule: ties say nothing, and rows of one request are one request of noise") {
  std::deque<Rerun> ties(500, Rerun{0, 0, true});
  CHECK(falls_short(ties, terms).empty());
  // 20 requests of 64 rows each, 15 % of the rows wrong: 85 % + 22 % is not below, though 1,280 rows were seen.
  CHECK(falls_short(std::deque<Rerun>(20, Rerun{100, 85, false}), terms).empty());
  CHECK_FALSE(falls_short(std::deque<Rerun>(100, Rerun{100, 85, false}), terms).empty());
}

TEST_CASE("watch rule: known answers that are far off decide alone, a few of them ask for the whole set") {
  drill::Answers sample{.verdict = "FAILED", .cases = 100, .agreement_milli = 130, .noise_milli = 100};
  CHECK(is_beyond_noise(sample, terms));
  sample.agreement_milli = 980;
  CHECK_FALSE(is_beyond_noise(sample, terms));
  // A server that gave no answer may have been busy.
  CHECK_FALSE(is_beyond_noise({.verdict = "UNTESTED", .cases = 100, .agreement_milli = 0, .noise_milli = 100}, terms));
}

TEST_CASE("watch rule: counts are said when they have doubled, at the latest after ten minutes, and not twice") {
  drill::DrillWatched now, said;
  CHECK_FALSE(is_worth_saying(now, said, 1'000'000));
  now.compared = 9;
  CHECK_FALSE(is_worth_saying(now, said, 1'000));
  CHECK(is_worth_saying(now, said, 600'000));
  now.compared = 10;
  CHECK(is_worth_saying(now, said, 0));
  said = now;
  CHECK_FALSE(is_worth_saying(now, said, 1'000'000));
  now.canaries = 1;
  CHECK(is_worth_saying(now, said, 0));
  said = now;
  now.compared = 25;
  CHECK_FALSE(is_worth_saying(now, said, 1'000));
  now.compared = 30;
  CHECK(is_worth_saying(now, said, 1'000));
}
