#include "alliance/membership.h"

#include <doctest/doctest.h>

#include "alliance/reasons.h"

using namespace hz;
using namespace hz::alliance;

namespace {

// Logs written by hand: the rules need no signatures.
struct Book {
  std::map<std::string, LogActs> logs;

  Book() {
    for (const char* origin : {"a.example/f", "a.example/m", "a.example/n"}) {
      LogActs log;
      log.authority.origin = origin;
      log.authority.genesis.member = origin;
      log.authority.genesis.roots = {std::string("root of ") + origin};
      logs.emplace(origin, std::move(log));
    }
  }
  template <class Payload>
  void say(const std::string& origin, std::uint64_t index, const Payload& payload) {
    statement::Statement s;
    s.origin = s.issuer = origin;
    s.index = index;
    s.kind = Payload::kind;
    s.role = "author";
    s.body = to_json(payload);
    s.id[0] = static_cast<std::uint8_t>(index);
    logs[origin].acts.push_back(std::move(s));
  }
  void found() { say("a.example/f", 1, default_charter("Test", "a.example/f")); }
  void admit(std::uint64_t index, const std::string& who, std::int64_t from = 0) {
    say("a.example/f", index, Admit{who, root_fingerprint(logs[who].authority.genesis), "member", from, "", ""});
  }
  void wants(const std::string& who) { say(who, 1, JoinRequest{"a.example/f", "", "", "", "", ""}); }
  static Result<std::uint64_t> fork_at(const ForkEvidence& said, const Authority&) {
    if (said.evidence.empty()) return fail(hz::alliance::why("alliance.fork"), "{}", said.origin);
    return std::stoull(said.evidence);
  }
  Membership fold(const std::string& own = "a.example/f") const {
    return fold_membership(views_of(logs), own, &fork_at);
  }
};

const Range all{0, no_end};
std::vector<Range> counted(const Membership& m, const std::string& origin) { return m.standings.at(origin).counted; }
State state(const Membership& m, const std::string& origin) { return m.standings.at(origin).state; }
std::vector<std::string> refusals(const Membership& m) {
  std::vector<std::string> out;
  for (const RefusedAct& r : m.refused)
    out.push_back(fmt::format("{}[{}] {}", r.origin, r.index, r.error.reason->slug));
  return out;
}
using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("membership: without a charter only the own log counts, on its own node") {
  const Book b;
  const Membership m = b.fold("a.example/m");
  CHECK(counted(m, "a.example/m") == std::vector{all});
  CHECK(counted(m, "a.example/f").empty());
  CHECK(m.founder.empty());
}

TEST_CASE("membership: the founder's charter and admissions decide, and a joiner's node sees the same alliance") {
  Book b;
  b.found();
  b.wants("a.example/m");
  b.wants("a.example/n");
  b.admit(2, "a.example/m");
  const Membership founder = b.fold(), joiner = b.fold("a.example/m"), applicant = b.fold("a.example/n");
  for (const Membership* m : {&founder, &joiner}) {
    CHECK(m->founder == "a.example/f");
    CHECK(counted(*m, "a.example/f") == std::vector{all});
    CHECK(counted(*m, "a.example/m") == std::vector{all});
    CHECK(counted(*m, "a.example/n").empty());
    CHECK(state(*m, "a.example/n") == State::applicant);
  }
  CHECK(counted(applicant, "a.example/n") == std::vector{all});  // its own words, on its own node
  CHECK(counted(applicant, "a.example/m") == std::vector{all});
}

TEST_CASE("membership: a suspension cuts, a new admission opens a second range, an expulsion ends it") {
  Book b;
  b.say("a.example/f", 1, [] {
    Charter c = default_charter("Test", "a.example/f");
    c.rules.clear();
    return c;
  }());
  b.admit(2, "a.example/m");
  b.say("a.example/f", 3, Suspend{"a.example/m", 10, "", "late"});
  CHECK(counted(b.fold(), "a.example/m") == std::vector{Range{0, 10}});
  CHECK(state(b.fold(), "a.example/m") == State::suspended);
  b.admit(4, "a.example/m", 15);
  CHECK(counted(b.fold(), "a.example/m") == std::vector{Range{0, 10}, Range{15, no_end}});
  CHECK_FALSE(b.fold().counts("a.example/m", 12));
  CHECK(b.fold().counts("a.example/m", 15));
  b.say("a.example/f", 5, Expel{"a.example/m", 20, "", "again"});
  CHECK(counted(b.fold(), "a.example/m") == std::vector{Range{0, 10}, Range{15, 20}});
  b.say("a.example/f", 6, Expel{"a.example/m", 5, "", "further back"});
  CHECK(counted(b.fold(), "a.example/m") == std::vector{Range{0, 5}});
  b.admit(7, "a.example/m", 3);  // an admission from before the cut lifts it
  CHECK(counted(b.fold(), "a.example/m") == std::vector{all});
}

TEST_CASE("membership: a suspension or expulsion of another history is refused, one of a log not here so far counts") {
  Book b;
  Charter charter = default_charter("Test", "a.example/f");
  std::erase_if(charter.rules, [](const VoteRule& r) { return r.act == "expel"; });
  b.say("a.example/f", 1, charter);
  b.admit(2, "a.example/m");
  b.say("a.example/f", 3, Suspend{"a.example/m", 10, "aa", "late"});
  const auto fold = [&](std::uint64_t here, std::string root) {
    return fold_membership(views_of(b.logs), "a.example/f", &Book::fork_at, {},
                           [=](const std::string& origin, std::uint64_t size) -> std::optional<std::string> {
                             CHECK(origin == "a.example/m");
                             return size <= here ? std::optional(root) : std::nullopt;
                           });
  };
  CHECK(state(fold(9, "bb"), "a.example/m") == State::suspended);
  CHECK(state(fold(10, "aa"), "a.example/m") == State::suspended);
  const Membership other = fold(10, "bb");
  CHECK(state(other, "a.example/m") == State::member);
  CHECK(counted(other, "a.example/m") == std::vector{all});
  CHECK(refusals(other) == Texts{"a.example/f[3] alliance.other_history"});
  b.say("a.example/f", 4, Expel{"a.example/m", 10, "cc", "late"});
  CHECK(refusals(fold(10, "aa")) == Texts{"a.example/f[4] alliance.other_history"});
  CHECK(state(fold(10, "aa"), "a.example/m") == State::suspended);
  CHECK(state(fold(10, "cc"), "a.example/m") == State::expelled);
}

TEST_CASE("membership: who leaves is cut at its own word, also when the secretariat heard of it late") {
  Book b;
  b.found();
  b.admit(2, "a.example/m");
  b.say("a.example/m", 7, Leave{""});
  CHECK(counted(b.fold(), "a.example/m") == std::vector{Range{0, 8}});
  CHECK(state(b.fold(), "a.example/m") == State::left);
  b.say("a.example/f", 3, Suspend{"a.example/m", 8, "", "it left"});
  b.admit(4, "a.example/m", 9);
  CHECK(counted(b.fold(), "a.example/m") == std::vector{Range{0, 8}, Range{9, no_end}});
  CHECK(state(b.fold(), "a.example/m") == State::member);
}

TEST_CASE("membership: only the log that the charter names decides, from the position it names") {
  Book b;
  // No rule for charters: the secretariat may change it alone.
  const auto without_rules = [](const char* secretariat) {
    Charter c = default_charter("Test", secretariat);
    c.rules.clear();
    return c;
  };
  b.say("a.example/f", 1, without_rules("a.example/f"));
  b.admit(2, "a.example/m");
  b.say("a.example/m", 3, Expel{"a.example/f", 1, "", "coup"});
  b.say("a.example/m", 5, Suspend{"a.example/n", 1, "", "too early"});
  CHECK(refusals(b.fold()) ==
        Texts{"a.example/m[3] alliance.not_secretariat", "a.example/m[5] alliance.not_secretariat"});
  Charter second = without_rules("a.example/m");
  second.version = 2;
  second.secretariat_from = 6;
  b.say("a.example/f", 3, second);
  b.admit(4, "a.example/n");  // the founder does not decide any more
  b.say("a.example/m", 6,
        Admit{"a.example/n", root_fingerprint(b.logs["a.example/n"].authority.genesis), "observer", 0, "", ""});
  const Membership m = b.fold();
  CHECK(m.secretariat == "a.example/m");
  CHECK(m.standings.at("a.example/n").tier == "observer");
  CHECK(refusals(m) == Texts{"a.example/f[4] alliance.not_secretariat", "a.example/m[3] alliance.not_secretariat",
                             "a.example/m[5] alliance.not_secretariat"});
  // And back, without going round for ever.
  Charter third = without_rules("a.example/f");
  third.version = 3;
  third.secretariat_from = 0;
  b.say("a.example/m", 7, third);
  CHECK(b.fold().secretariat == "a.example/f");
  CHECK(b.fold().standings.at("a.example/n").tier == "member");  // index 4 of the founder's log is read now
}

TEST_CASE("membership: another log with the same name has other root keys, and is not admitted") {
  Book b;
  b.found();
  b.say("a.example/f", 2, Admit{"a.example/m", std::string(64, '0'), "member", 0, "", ""});
  b.say("a.example/f", 3,
        Admit{"a.example/n", root_fingerprint(b.logs["a.example/n"].authority.genesis), "king", 0, "", ""});
  b.say("a.example/f", 4, Suspend{"a.example/m", 1, "", ""});
  const Membership m = b.fold();
  CHECK(counted(m, "a.example/m").empty());
  CHECK(refusals(m) == Texts{"a.example/f[2] alliance.other_root", "a.example/f[3] alliance.charter",
                             "a.example/f[4] alliance.no_such_member"});
}

namespace {
// What fork_at above reads: the size in place of the evidence.
ForkEvidence evidence(std::string origin, std::string size) {
  ForkEvidence out;
  out.origin = std::move(origin);
  out.evidence = std::move(size);
  return out;
}
}  // namespace

TEST_CASE("membership: a forked log is frozen where the evidence says, whoever brings it, and nothing opens it again") {
  Book b;
  b.found();
  b.admit(2, "a.example/m");
  b.say("a.example/n", 4, evidence("a.example/m", "9"));
  b.say("a.example/f", 3, evidence("a.example/m", "12"));
  b.admit(5, "a.example/m", 20);
  b.say("a.example/n", 5, evidence("a.example/f", ""));
  CHECK(counted(b.fold(), "a.example/m") == std::vector{Range{0, 12}});
  CHECK(state(b.fold(), "a.example/m") == State::frozen);
  CHECK(refusals(b.fold()) == Texts{"a.example/n[5] alliance.fork"});
}

TEST_CASE("membership: a forked log is cut on its own node too, in an alliance and outside") {
  Book b;
  b.found();
  b.admit(2, "a.example/m");
  b.wants("a.example/m");
  b.say("a.example/f", 3, evidence("a.example/m", "12"));
  CHECK(counted(b.fold("a.example/m"), "a.example/m") == std::vector{Range{0, 12}});
  CHECK(state(b.fold("a.example/m"), "a.example/m") == State::frozen);
  // A suspended member sees all it said, until its log forks.
  b.say("a.example/f", 4, Suspend{"a.example/m", 10, "", "late"});
  CHECK(counted(b.fold("a.example/m"), "a.example/m") == std::vector{Range{0, 10}});
  CHECK(state(b.fold("a.example/m"), "a.example/m") == State::frozen);
  // Nobody's member.
  b.say("a.example/n", 3, evidence("a.example/n", "7"));
  CHECK(counted(b.fold("a.example/n"), "a.example/n") == std::vector{Range{0, 7}});
  CHECK(counted(b.fold(), "a.example/n").empty());
  CHECK(state(b.fold("a.example/n"), "a.example/n") == State::frozen);
}

TEST_CASE("membership: the end of a log cuts it for everybody, its own node too") {
  Book b;
  b.found();
  b.admit(2, "a.example/m");
  b.logs["a.example/m"].authority.end = 6;
  CHECK(counted(b.fold(), "a.example/m") == std::vector{Range{0, 6}});
  CHECK(counted(b.fold("a.example/m"), "a.example/m") == std::vector{Range{0, 6}});
}

TEST_CASE(
    "membership: where the charter has a rule, an act without a ballot does not count, and without a rule it does") {
  Book b;
  b.found();
  b.admit(2, "a.example/m");  // the default charter leaves admissions to the secretariat
  b.say("a.example/f", 3, Expel{"a.example/m", 1, "", "no ballot"});
  Charter second = default_charter("Test", "a.example/f");
  second.version = 2;
  b.say("a.example/f", 4, second);
  const Membership m = b.fold();
  CHECK(state(m, "a.example/m") == State::member);
  CHECK(m.charter->version == 1);
  CHECK(refusals(m) == Texts{"a.example/f[3] alliance.no_ballot", "a.example/f[4] alliance.no_ballot"});
}

TEST_CASE("charter: the default one passes, and each broken field is named") {
  const Charter good = default_charter("Test", "a.example/f");
  CHECK(check(good));
  const auto broken = [&](auto change, std::string_view says) {
    Charter c = good;
    change(c);
    const auto r = check(c);
    REQUIRE_FALSE(r);
    CHECK(r.error().reason->slug == "alliance.charter");
    CHECK(r.error().detail.find(says) != std::string::npos);
  };
  broken([](Charter& c) { c.name = ""; }, "name");
  broken([](Charter& c) { c.version = 0; }, "version");
  broken([](Charter& c) { c.secretariat = "https://x"; }, "secretariat");
  broken([](Charter& c) { c.tiers.clear(); }, "tier");
  broken([](Charter& c) { c.tiers.push_back(c.tiers[0]); }, "tier member");
  broken([](Charter& c) { c.tiers[0].weight = -1; }, "weight");
  broken([](Charter& c) { c.rules[0].yes_numerator = 4; }, "share");
  broken([](Charter& c) { c.rules[0].quorum_denominator = 0; }, "share");
  broken([](Charter& c) { c.rules.push_back(c.rules[0]); }, "two rules");
  broken([](Charter& c) { c.rules[0].chambers = {{"observer"}}; }, "no voting tier: observer");
  broken([](Charter& c) { c.rules[0].chambers = {{"member", 3, 2, true}}; }, "share of chamber member");
  broken([](Charter& c) { c.rules[0].chambers = {{"member"}, {"member"}}; }, "two chambers of tier member");
  broken(
      [](Charter& c) {
        c.tiers.push_back({"consumer", true, 1});
        c.rules[0].chambers = {{"member"}};
      },
      "no chamber for tier consumer");
  broken([](Charter& c) { c.rules[0].challenge_ms = -1; }, "time of charter");
  broken([](Charter& c) { c.affiliates = {{"g", {"a.example/m"}}, {"h", {"a.example/m"}}}; }, "two groups");
  broken([](Charter& c) { c.aggregation_min = 0; }, "aggregation");
}
