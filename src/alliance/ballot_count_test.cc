#include "alliance/ballot_count.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "base/seams.h"

using namespace hz;
using namespace hz::alliance;

namespace {

using Choices = std::map<std::string, std::string>;

VoteRule majority() {
  VoteRule rule;
  rule.act = "specification";
  return rule;
}
std::vector<VotingUnit> units(int n, std::string_view tier = "member", std::int64_t weight = 1) {
  std::vector<VotingUnit> out;
  for (int i = 0; i < n; ++i) {
    const std::string name = fmt::format("{}{}", tier.front(), i);
    out.push_back({name, std::string(tier), weight, {name}});
  }
  return out;
}
// "yyn-a": units m0, m1 ... say yes, yes, no, nothing, abstain.
Choices say(std::string_view votes, char prefix = 'm') {
  Choices out;
  for (std::size_t i = 0; i < votes.size(); ++i)
    if (votes[i] != '-')
      out[fmt::format("{}{}", prefix, i)] = votes[i] == 'y' ? "yes" : votes[i] == 'n' ? "no" : "abstain";
  return out;
}
bool passes(const VoteRule& rule, std::string_view votes) {
  return count(rule, units(static_cast<int>(votes.size())), {}, say(votes)).passes;
}

}  // namespace

TEST_CASE("count: more than half of the votes cast, abstentions left out") {
  CHECK(passes(majority(), "yyn"));
  CHECK_FALSE(passes(majority(), "yn--"));
  CHECK(passes(majority(), "yaa"));
  CHECK_FALSE(passes(majority(), "naa"));
  CHECK_FALSE(passes(majority(), "aaa"));
  CHECK_FALSE(passes(majority(), "---"));
}

TEST_CASE("count: the denominator decides what an abstention and an absence weigh") {
  VoteRule rule = majority();
  rule.quorum_numerator = 0;
  CHECK(passes(rule, "yyna--"));
  rule.of = Denominator::votes_present;
  CHECK_FALSE(passes(rule, "yyna--"));  // 2 of 4 present
  CHECK(passes(rule, "yyn---"));
  rule.of = Denominator::eligible;
  CHECK_FALSE(passes(rule, "yyn---"));  // 2 of 6
  CHECK(passes(rule, "yyyy--"));
}

TEST_CASE("count: two thirds of seven is five, without a word about rounding") {
  VoteRule rule = majority();
  rule.of = Denominator::eligible;
  rule.yes_numerator = 2;
  rule.yes_denominator = 3;
  rule.more_than = false;
  CHECK_FALSE(passes(rule, "yyyynnn"));
  CHECK(passes(rule, "yyyyynn"));
  CHECK(passes(rule, "yyn"));  // reached exactly
  rule.more_than = true;
  CHECK_FALSE(passes(rule, "yyn"));
}

TEST_CASE("count: the quorum counts abstentions and not absences, and is reached when it is met") {
  VoteRule rule = majority();
  CHECK(passes(rule, "yyna----"));
  CHECK_FALSE(passes(rule, "yyn-----"));
  CHECK(count(rule, units(2), {}, say("y-")).quorum);
}

TEST_CASE("count: yes equal to no is a tie, and the rule says what it means") {
  VoteRule rule = majority();
  CHECK_FALSE(passes(rule, "yn"));
  rule.tie = Tie::passes;
  CHECK(passes(rule, "yn"));
  CHECK_FALSE(passes(rule, "aa"));  // nothing passes with no yes at all
  rule.yes_numerator = 2;
  rule.yes_denominator = 3;
  CHECK_FALSE(passes(rule, "yn"));  // it lifts the strictness, not the share
  rule.tie = Tie::fails;
  rule.yes_numerator = 1;
  CHECK_FALSE(passes(rule, "yynn"));  // above a third, but tied
}

TEST_CASE("count: weights count, and no unit counts twice") {
  auto two = units(1, "heavy", 3);
  const auto light = units(2);
  two.insert(two.end(), light.begin(), light.end());
  Choices choices = say("nn");
  choices["h0"] = "yes";
  const Tally t = count(majority(), two, {}, choices);
  CHECK(t.passes);
  CHECK(t.eligible == 5);
  CHECK(t.yes == 3);
  CHECK(t.no == 2);
}

TEST_CASE("count: affiliates have one vote; one that is silent does not hold the other back, a dispute abstains") {
  const std::vector<VotingUnit> group{{"group:g", "member", 1, {"a", "b"}}, {"c", "member", 1, {"c"}}};
  CHECK(count(majority(), group, {}, {{"a", "yes"}, {"b", "yes"}}).yes == 1);
  CHECK(count(majority(), group, {}, {{"b", "yes"}}).yes == 1);
  const Tally t = count(majority(), group, {}, {{"a", "yes"}, {"b", "no"}, {"c", "no"}});
  CHECK(t.abstain == 1);
  CHECK(t.no == 1);
  CHECK(t.present == 2);
  CHECK(count(majority(), group, {}, {{"a", "yes"}, {"b", "abstain"}}).abstain == 1);
}

TEST_CASE("count: each chamber consents by its own share, and one that is empty is not asked") {
  VoteRule rule = majority();
  rule.chambers = {{"issuer", 2, 3, false}, {"consumer", 1, 2, true}};
  auto both = units(3, "issuer");
  const auto consumers = units(2, "consumer");
  both.insert(both.end(), consumers.begin(), consumers.end());
  Choices choices = say("yyn", 'i');
  choices.merge(say("yy", 'c'));
  const Tally t = count(rule, both, {}, choices);
  CHECK(t.passes);
  REQUIRE(t.chambers.size() == 2);
  CHECK(t.chambers[0] == ChamberCount{"issuer", 3, 3, 2, 1, 0, true});
  choices["c0"] = "no";
  CHECK_FALSE(count(rule, both, {}, choices).passes);  // 3 of 5 overall, and 1 of 2 consumers
  CHECK(count(rule, units(3, "issuer"), {}, say("yyn", 'i')).passes);
}

TEST_CASE("count: among options the one with most votes needs the share, and a tie has no winner unless it passes") {
  const std::vector<std::string> options{"red", "green", "blue"};
  VoteRule rule = majority();
  const auto tally = [&](const Choices& c) { return count(rule, units(5), options, c); };
  const Choices clear{{"m0", "green"}, {"m1", "green"}, {"m2", "green"}, {"m3", "red"}, {"m4", "blue"}};
  CHECK(tally(clear).winner == "green");
  CHECK(tally(clear).passes);
  CHECK(tally(clear).no == 2);
  const Choices split{{"m0", "green"}, {"m1", "green"}, {"m2", "red"}, {"m3", "red"}, {"m4", "blue"}};
  CHECK(tally(split).winner.empty());
  CHECK_FALSE(tally(split).passes);
  rule.tie = Tie::passes;
  CHECK(tally(split).winner == "red");
  CHECK_FALSE(tally(split).passes);  // 2 of 5
}

TEST_CASE("count: a difference names every sum that differs") {
  const Tally t = count(majority(), units(3), {}, say("yyn"));
  Tally said = t;
  CHECK(difference(t, said).empty());
  said.yes = 3;
  said.no = 0;
  CHECK(difference(t, said) == "yes 2, said 3; no 1, said 0");
}

TEST_CASE("electorate: voting tiers in good standing, affiliates merged with the tier of the weightiest") {
  Membership m;
  m.charter = default_charter("Test", "x.example/a");
  m.charter->tiers = {{"member", true, 1}, {"founder", true, 4}, {"observer", false, 0}};
  m.charter->affiliates = {{"g", {"x.example/a", "x.example/b", "x.example/z"}}};
  const auto put = [&](const std::string& origin, std::string tier, State state) {
    m.standings[origin].tier = std::move(tier);
    m.standings[origin].state = state;
  };
  put("x.example/a", "member", State::member);
  put("x.example/b", "founder", State::member);
  put("x.example/c", "member", State::member);
  put("x.example/d", "observer", State::member);
  put("x.example/e", "member", State::suspended);
  put("x.example/f", "member", State::frozen);
  put("x.example/g", "member", State::applicant);
  CHECK(electorate(m) == std::vector<VotingUnit>{{"group:g", "founder", 4, {"x.example/a", "x.example/b"}},
                                                 {"x.example/c", "member", 1, {"x.example/c"}}});
}

namespace {

// The same rules once more, as plainly as they can be said: members are looked at one by one, shares are compared by
// long division.
int compare(std::int64_t a, std::int64_t b, std::int64_t c, std::int64_t d) {  // a/b to c/d, b and d > 0
  for (int digit = 0; digit < 40; ++digit) {
    if (a / b != c / d) return a / b < c / d ? -1 : 1;
    a = a % b * 10;
    c = c % d * 10;
  }
  return 0;
}
struct Plain {
  std::int64_t eligible = 0, present = 0, yes = 0, no = 0, abstain = 0;
  bool share(const VoteRule& r, std::int64_t n, std::int64_t d, bool more) const {
    if (yes == 0) return false;
    std::int64_t whole = yes + no;
    if (r.of == Denominator::votes_present) whole = present;
    if (r.of == Denominator::eligible) whole = eligible;
    const int c = compare(yes, whole, n, d);
    if (yes == no) return r.tie == Tie::passes && c >= 0;
    return more ? c > 0 : c >= 0;
  }
};
Plain plain(const std::vector<VotingUnit>& all, const Choices& choices, std::string_view tier) {
  Plain out;
  for (const VotingUnit& u : all) {
    if (!tier.empty() && u.tier != tier) continue;
    std::set<std::string> said;
    for (const std::string& m : u.members)
      if (choices.contains(m)) said.insert(choices.at(m));
    out.eligible += u.weight;
    if (said.empty()) continue;
    out.present += u.weight;
    if (said == std::set<std::string>{"yes"})
      out.yes += u.weight;
    else if (said == std::set<std::string>{"no"})
      out.no += u.weight;
    else
      out.abstain += u.weight;
  }
  return out;
}

}  // namespace

TEST_CASE("count: random electorates and rules give what a plain recount gives") {
  SeededRng rng(4711);
  int passed = 0;
  for (int round = 0; round < 20'000; ++round) {
    CAPTURE(round);
    std::vector<VotingUnit> all;
    Choices choices;
    const char* tiers[] = {"a", "b"};
    for (std::uint64_t i = 0, n = 1 + rng.below(9); i < n; ++i) {
      VotingUnit u{fmt::format("u{}", i), tiers[rng.below(2)], static_cast<std::int64_t>(rng.below(4)), {}};
      for (std::uint64_t k = 0, of = 1 + rng.below(3) / 2; k < of; ++k) {
        u.members.push_back(fmt::format("u{}.{}", i, k));
        const char* choice[] = {"yes", "yes", "no", "abstain"};
        if (rng.below(5) > 0) choices[u.members.back()] = choice[rng.below(4)];
      }
      all.push_back(std::move(u));
    }
    VoteRule rule;
    const auto share = [&](std::int64_t& n, std::int64_t& d) {
      d = static_cast<std::int64_t>(1 + rng.below(6));
      n = static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(d) + 1));
    };
    share(rule.yes_numerator, rule.yes_denominator);
    share(rule.quorum_numerator, rule.quorum_denominator);
    rule.more_than = rng.below(2) == 0;
    rule.of = static_cast<Denominator>(rng.below(3));
    rule.tie = static_cast<Tie>(rng.below(2));
    if (rng.below(3) == 0)
      for (const char* tier : tiers) {
        Chamber c{tier};
        share(c.yes_numerator, c.yes_denominator);
        c.more_than = rng.below(2) == 0;
        rule.chambers.push_back(c);
      }
    const Tally got = count(rule, all, {}, choices);
    const Plain want = plain(all, choices, "");
    CHECK(got.eligible == want.eligible);
    CHECK(got.present == want.present);
    CHECK(got.yes == want.yes);
    CHECK(got.no == want.no);
    CHECK(got.abstain == want.abstain);
    const bool quorum =
        want.eligible == 0 || compare(want.present, want.eligible, rule.quorum_numerator, rule.quorum_denominator) >= 0;
    CHECK(got.quorum == quorum);
    bool agreed = want.yes > 0;
    for (const Chamber& c : rule.chambers) {
      const Plain in = plain(all, choices, c.tier);
      agreed &= in.eligible == 0 || in.share(rule, c.yes_numerator, c.yes_denominator, c.more_than);
    }
    if (rule.chambers.empty()) agreed = want.share(rule, rule.yes_numerator, rule.yes_denominator, rule.more_than);
    CHECK(got.passes == (quorum && agreed));
    passed += got.passes;
  }
  CHECK(passed > 2000);
  CHECK(passed < 18'000);
}
