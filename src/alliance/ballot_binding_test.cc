// What a ballot allows: charters, expulsions, admissions.
#include "alliance/test_ballot.h"

using namespace hz;
using namespace hz::alliance;
using namespace hz::alliance::test;

namespace {

const std::string a = "x.example/a", b = "x.example/b", c = "x.example/c";

std::vector<std::string> refusals(const Membership& m) {
  std::vector<std::string> out;
  for (const RefusedAct& r : m.refused)
    out.push_back(fmt::format("{}[{}] {}", r.origin, r.index, r.error.reason->slug));
  return out;
}
Charter next_version(const Poll& p) {
  Charter out = default_charter("Next", p.founder);
  out.version = p.fold().charter->version + 1;
  return out;
}

}  // namespace

TEST_CASE("binding: a charter counts when a ballot under the one in force passed on exactly it") {
  Poll p({"a", "b", "c"});
  const Charter second = next_version(p);
  const std::string id = p.say(a, p.on_charter(second));
  p.say(a, Vote{id, "yes"});
  p.say(b, Vote{id, "yes"});
  Poll early = p;
  early.say(a, second, id);
  CHECK(early.fold().charter->version == 1);
  CHECK(refusals(early.fold()).back() == fmt::format("{}[{}] alliance.no_ballot", a, early.sizes[a] - 1));
  p.close(id);
  p.close(id);
  Charter other = second;
  other.aggregation_min = 1;
  p.say(a, other, id);  // another text
  CHECK(p.fold().charter->version == 1);
  p.say(a, second);  // names no ballot
  CHECK(p.fold().charter->version == 1);
  p.say(a, second, id);
  CHECK(p.fold().charter->version == 2);
  CHECK(p.fold().charter->name == "Next");
  // Lacking one voter's log nobody knows: the act waits.
  Sizes less = p.sizes;
  less[b] = 1;
  const Membership waits = p.fold(less);
  CHECK(waits.charter->version == 1);
  CHECK(refusals(waits).back() == fmt::format("{}[{}] alliance.ballot_waiting", a, p.sizes[a] - 1));
}

TEST_CASE("binding: a ballot that failed, lies, or was held under the charter before supports nothing") {
  Poll p({"a", "b", "c"});
  const Charter second = next_version(p);
  const std::string failed = p.say(a, p.on_charter(second));
  p.say(b, Vote{failed, "no"});
  p.close(failed);
  p.close(failed);
  CHECK(p.ballot(failed).state == BallotState::failed);
  p.say(a, second, failed);
  CHECK(p.fold().charter->version == 1);

  const std::string lie = p.say(a, p.on_charter(second));
  p.say(a, Vote{lie, "yes"});
  p.now_ms += hour_ms;
  BallotClose said = p.closing(lie);
  said.tally.yes = 3;
  said.tally.present = 3;
  said.tally.passes = said.tally.quorum = true;
  p.say(a, said);
  p.say(a, second, lie);
  CHECK(p.fold().charter->version == 1);

  const std::string good = p.say(a, p.on_charter(second)), expel = p.say(a, p.question("expel", c));
  for (const std::string& who : {a, b, c})
    for (const std::string& ballot : {good, expel}) p.say(who, Vote{ballot, "yes"});
  p.say(a, p.closing(good));
  p.say(a, p.closing(expel));
  p.say(a, second, good);
  CHECK(p.fold().charter->version == 2);
  p.say(a, Expel{c, 1, *p.root(c, 1), "under the old charter"}, expel);
  CHECK(p.fold().standings.at(c).state == State::member);
}

TEST_CASE("binding: an expulsion needs its own ballot, once") {
  Poll p({"a", "b", "c"});
  const std::string id = p.say(b, p.question("expel", c));
  for (const std::string& who : {a, b, c}) p.say(who, Vote{id, "yes"});
  p.say(b, p.closing(id));
  p.say(a, Expel{b, 1, *p.root(b, 1), "somebody else"}, id);
  CHECK(p.fold().standings.at(b).state == State::member);
  p.say(a, Expel{c, 1, *p.root(c, 1), "as decided"}, id);
  CHECK(p.fold().standings.at(c).state == State::expelled);
  p.admit(c);
  p.say(a, Expel{c, 1, *p.root(c, 1), "once more"}, id);
  CHECK(p.fold().standings.at(c).state == State::member);
}

TEST_CASE("binding: admissions are balloted when the charter says so, and the founder alone is its own electorate") {
  Poll p({"a"}, {}, [](Charter& charter) {
    VoteRule rule = charter.rules.front();
    rule.act = "admit";
    charter.rules.push_back(rule);
  });
  LogActs applicant;
  applicant.authority.origin = applicant.authority.genesis.member = b;
  applicant.authority.genesis.roots = {"root of " + b};
  p.logs.emplace(b, applicant);
  p.sizes[b] = 1;
  p.admit(b);
  CHECK(p.fold().standings.at(b).state == State::stranger);
  BallotOpen open = p.question("admit", b);
  std::erase_if(open.frontier, [](const FrontierEntry& e) { return e.origin == b; });
  const std::string id = p.say(a, open);
  p.say(a, Vote{id, "yes"});
  auto heads = p.heads();
  std::erase_if(heads, [](const FrontierEntry& e) { return e.origin == b; });
  p.say(a, p.closing(id, heads));
  p.say(a, Admit{b, root_fingerprint(p.logs[b].authority.genesis), "member", 0, "", ""}, id);
  CHECK(p.fold().standings.at(b).state == State::member);
}

TEST_CASE("binding: charters follow one another, each under the one before, and the past is judged as it was") {
  Poll p({"a", "b"});
  for (int i = 0; i < 12; ++i) {
    const Charter next = next_version(p);
    BallotOpen open = p.on_charter(next);
    open.charter = p.fold().charter_id;
    open.closes_ms += 8 * 24 * hour_ms;
    const std::string id = p.say(i % 2 ? a : b, open);
    p.say(a, Vote{id, "yes"});
    p.say(b, Vote{id, "yes"});
    p.say(i % 2 ? a : b, p.closing(id));
    p.say(a, next, id);
    CHECK(p.fold().charter->version == i + 2);
  }
}

TEST_CASE("binding: a charter under which nobody would vote is refused, or it could never be changed again") {
  Poll p({"a"});
  Charter next = next_version(p);
  next.tiers = {{"renamed", true, 1}, {"member", false, 0}};
  const std::string id = p.say(a, p.on_charter(next));
  p.say(a, Vote{id, "yes"});
  p.say(a, p.closing(id));
  CHECK(p.ballot(id).state == BallotState::passed);
  p.say(a, next, id);
  CHECK(p.fold().charter->version == 1);
  CHECK(refusals(p.fold()).back().ends_with("alliance.charter"));
  CHECK_FALSE(check_voters(Membership{}, [] {
    Charter first = default_charter("Test", "x.example/a");
    std::swap(first.tiers[0], first.tiers[1]);
    return first;
  }()));
}

TEST_CASE("binding: the secretariat is handed over by ballot, and the new one decides") {
  Poll p({"a", "b"});
  Charter second = next_version(p);
  second.secretariat = b;
  second.secretariat_from = 1;
  const std::string id = p.say(a, p.on_charter(second));
  p.say(a, Vote{id, "yes"});
  p.say(b, Vote{id, "yes"});
  p.say(a, p.closing(id));
  p.say(a, second, id);
  CHECK(p.fold().secretariat == b);
}
