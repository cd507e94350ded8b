#include "alliance/ballot_fold.h"

#include "alliance/test_ballot.h"

using namespace hz;
using namespace hz::alliance;
using namespace hz::alliance::test;

namespace {

const std::string a = "x.example/a", b = "x.example/b", c = "x.example/c", d = "x.example/d";

}  // namespace

TEST_CASE("ballot: it is open, then closed with a result, and final after the challenges") {
  Poll p({"a", "b", "c"});
  const std::string id = p.say(a, p.question());
  CHECK(p.ballot(id).state == BallotState::open);
  p.say(a, Vote{id, "yes"});
  p.say(b, Vote{id, "yes"});
  p.say(c, Vote{id, "no"});
  CHECK(p.ballot(id).count.tally.yes == 2);  // so far
  p.close(id);
  CHECK(p.ballot(id).state == BallotState::closed);
  CHECK(p.ballot(id).next == Phase::challenges);
  p.close(id);
  const Ballot done = p.ballot(id);
  CHECK(done.state == BallotState::passed);
  CHECK(done.count.tally.yes == 2);
  CHECK(done.count.tally.no == 1);
  CHECK(verdicts(done) == "votes holds, challenges holds");
  BallotClose again;
  again.ballot = id;
  again.closing = {"ballot", id, p.heads(), std::string(64, '0')};
  p.say(a, again);
  CHECK(p.ballot(id).state == BallotState::passed);
  CHECK(p.ballot(id).closings.back().detail == "the ballot is closed already");
}

TEST_CASE("ballot: what stands beyond the closing heads is not counted, and the last vote below them is") {
  Poll p({"a", "b", "c"});
  const std::string id = p.say(a, p.question());
  p.say(b, Vote{id, "no"});
  p.say(b, Vote{id, "yes"});
  p.say(b, Vote{id, "maybe"});  // no choice: the one before stands
  p.say(c, Vote{id, "yes"});
  const auto heads = p.heads();
  p.say(b, Vote{id, "no"});
  p.now_ms += hour_ms;
  p.say(a, p.closing(id, heads));
  const Ballot closed = p.ballot(id);
  CHECK(closed.count.tally.yes == 2);
  CHECK(closed.count.tally.no == 0);
  CHECK(verdicts(closed) == "votes holds");
}

TEST_CASE(
    "ballot: who votes is fixed by the opening heads: no stranger, observer or suspended member, and nobody who came "
    "later") {
  Poll p({"a", "b", "c", "d"}, {"", "member", "observer", "member"},
         [](Charter& charter) { std::erase_if(charter.rules, [](const VoteRule& r) { return r.act == "expel"; }); });
  p.say(a, Suspend{d, 1, *p.root(d, 1), "dues"});
  LogActs stranger;
  stranger.authority.origin = stranger.authority.genesis.member = "x.example/e";
  stranger.authority.genesis.roots = {"root of x.example/e"};
  p.logs.emplace("x.example/e", stranger);
  p.sizes["x.example/e"] = 1;
  const std::string id = p.say(a, p.question());
  p.admit("x.example/e");
  p.admit(d);
  for (const std::string& who : {b, c, d, std::string("x.example/e")}) p.say(who, Vote{id, "yes"});
  const Ballot open = p.ballot(id);
  CHECK(open.count.tally.eligible == 2);
  CHECK(open.count.tally.yes == 1);
  CHECK(open.is_voter(b));
  CHECK_FALSE(open.is_voter(c));
}

TEST_CASE("ballot: a suspension after the opening does not silence a voter, leaving does, and a fork stops its log") {
  Poll p({"a", "b", "c", "d"});
  const std::string id = p.say(a, p.question());
  p.say(a, Suspend{b, 1, *p.root(b, 1), "on the eve"});
  p.say(b, Vote{id, "no"});
  p.say(c, Leave{""});
  p.say(c, Vote{id, "no"});
  p.say(d, Vote{id, "no"});
  ForkEvidence fork;
  fork.origin = d;
  fork.shared_size = 1;
  p.say(a, fork);
  CHECK(p.ballot(id).count.tally.no == 1);
  CHECK(p.ballot(id).count.tally.eligible == 4);
}

TEST_CASE("ballot: affiliates are one vote, also when both vote") {
  Poll p({"a", "b", "c"}, {}, [](Charter& charter) { charter.affiliates = {{"g", {b, c}}}; });
  const std::string id = p.say(a, p.question());
  p.say(b, Vote{id, "yes"});
  p.say(c, Vote{id, "yes"});
  p.say(a, Vote{id, "no"});
  const Ballot open = p.ballot(id);
  CHECK(open.count.tally.eligible == 2);
  CHECK(open.count.tally.yes == 1);
  CHECK_FALSE(open.count.tally.passes);
}

TEST_CASE("ballot: when all chose the same it ends at once") {
  Poll p({"a", "b"});
  const std::string id = p.say(b, p.question());
  p.say(a, Vote{id, "yes"});
  p.say(b, Vote{id, "yes"});
  p.say(b, p.closing(id));
  CHECK(p.ballot(id).state == BallotState::passed);
}

TEST_CASE("ballot: an opening that breaks the rules is refused with the reason") {
  Poll p({"a", "b", "c"}, {"", "member", "observer"});
  const auto refused = [&](const std::string& who, auto change, std::string_view says) {
    BallotOpen open = p.question();
    change(open);
    const Ballot got = p.ballot(p.say(who, open));
    CHECK(got.state == BallotState::refused);
    CHECK_MESSAGE(got.detail.find(says) != std::string::npos, got.detail);
  };
  refused(c, [](BallotOpen&) {}, "only the secretariat and those who vote");
  refused(b, [](BallotOpen& o) { o.act = "lunch"; }, "no rule for lunch");
  refused(b, [](BallotOpen& o) { o.closes_ms -= 1; }, "closes after less than");
  refused(b, [](BallotOpen& o) { o.charter = std::string(64, '0'); }, "was in force");
  refused(b, [](BallotOpen& o) { o.frontier[0].root = std::string(64, '0'); }, "root 000");
  refused(b, [](BallotOpen& o) { o.frontier.erase(o.frontier.begin() + 1); }, "its own log");
  refused(b, [](BallotOpen& o) { o.frontier[1].size += 1; }, "its own log");
  refused(b, [](BallotOpen& o) { o.options = {"one"}; }, "1 options");
  refused(b, [](BallotOpen& o) { o.options = {"abstain", "one"}; }, "option abstain");
  refused(b, [](BallotOpen& o) { o.proposal = "{}"; }, "a proposal belongs to a charter");
  refused(b, [](BallotOpen& o) { std::swap(o.frontier[0], o.frontier[1]); }, "not in order");
}

TEST_CASE("ballot: a secretariat cannot ask those who voted before its own decisions") {
  Poll p({"a", "b"});
  BallotOpen old = p.question();
  LogActs later;
  later.authority.origin = later.authority.genesis.member = c;
  later.authority.genesis.roots = {"root of " + c};
  p.logs.emplace(c, later);
  p.sizes[c] = 1;
  p.say(a, Vote{std::string(64, '0'), "yes"});  // nothing that decides
  CHECK(p.ballot(p.say(a, old)).state == BallotState::open);
  p.admit(c);
  const Ballot got = p.ballot(p.say(a, old));
  CHECK(got.state == BallotState::refused);
  CHECK(got.detail.find("decided after the head") != std::string::npos);
}

TEST_CASE("ballot: a closing that lies is refuted by recount, names the difference, and the true one still holds") {
  Poll p({"a", "b", "c"});
  const std::string id = p.say(a, p.question());
  p.say(b, Vote{id, "no"});
  p.say(c, Vote{id, "no"});
  p.say(a, Vote{id, "yes"});
  p.now_ms += hour_ms;
  const auto lie = [&](auto change, std::string_view says) {
    BallotClose said = p.closing(id);
    change(said);
    p.say(a, said);
    const JudgedClosing last = p.ballot(id).closings.back();
    CHECK(last.verdict == Verdict::refuted);
    CHECK_MESSAGE(last.detail.find(says) != std::string::npos, last.detail);
  };
  lie([](BallotClose& s) { s.tally.yes = 3; }, "yes 1, said 3");
  lie([](BallotClose& s) { s.tally.passes = true; }, "passes false, said true");
  lie([](BallotClose& s) { s.closing.result = std::string(64, '0'); }, "other votes, with the same sums");
  lie([](BallotClose& s) { s.closing.frontier.erase(s.closing.frontier.begin() + 1); }, "goes back in x.example/b");
  lie([&](BallotClose& s) { s.closing.frontier[1].size = 0, s.closing.frontier[1].root = ""; }, "goes back");
  lie([](BallotClose& s) { s.closing.frontier[1].root = std::string(64, 'a'); }, "root aaaa");
  lie([](BallotClose& s) { s.closing.of = std::string(64, 'a'); }, "something else");
  lie([](BallotClose& s) { s.phase = Phase::challenges; }, "votes are closed next");
  p.now_ms -= 1;
  lie([](BallotClose&) {}, "end at");
  p.now_ms += 1;
  p.close(id);
  CHECK(p.ballot(id).closings.back().verdict == Verdict::holds);
  CHECK(p.ballot(id).count.tally.no == 2);
}

TEST_CASE("ballot: only the log that opened closes") {
  Poll p({"a", "b"});
  const std::string id = p.say(a, p.question());
  p.say(a, Vote{id, "yes"});
  p.say(b, Vote{id, "yes"});
  p.say(b, p.closing(id));
  CHECK(p.ballot(id).closings.empty());
  CHECK(p.ballot(id).state == BallotState::open);
}

TEST_CASE("ballot: whoever lacks a log of the named heads waits, and does not guess") {
  Poll p({"a", "b", "c"});
  const std::string id = p.say(a, p.question());
  p.say(b, Vote{id, "yes"});
  p.close(id);
  Sizes less = p.sizes;
  less[b] -= 1;
  const Ballot waits = p.ballot(id, less);
  CHECK(waits.state == BallotState::waiting);
  CHECK(waits.detail == "x.example/b: 2 statements are named, 1 are here");
  less.erase(b);
  CHECK(p.ballot(id, less).state == BallotState::waiting);
  CHECK(p.ballot(id).state == BallotState::closed);
}

TEST_CASE("ballot: a secret vote says nothing until it is revealed, and one that is not revealed abstains") {
  Poll p({"a", "b", "c"});
  BallotOpen open = p.question();
  open.secret = true;
  open.reveal_ms = hour_ms;
  const std::string id = p.say(a, open);
  const std::string salt(64, '5'), other(64, '6');
  p.say(a, VoteCommit{id, commitment(id, a, "no", salt)});
  p.say(a, VoteCommit{id, commitment(id, a, "yes", salt)});
  p.say(b, VoteCommit{id, commitment(id, b, "no", other)});
  p.say(c, VoteCommit{id, commitment(id, c, "yes", salt)});
  p.say(c, Vote{id, "yes"});              // not here
  p.say(a, VoteReveal{id, "yes", salt});  // too early: it does not count
  Ballot now = p.ballot(id);
  CHECK(now.count.tally.present == 3);
  CHECK(now.count.tally.yes + now.count.tally.no + now.count.tally.abstain == 0);
  for (const CountedVote& vote : now.count.votes) CHECK(vote.choice.empty());
  p.close(id);
  CHECK(p.ballot(id).state == BallotState::revealing);
  CHECK(p.ballot(id).count.tally.yes == 0);
  p.say(a, VoteReveal{id, "no", salt});  // its first commitment: the last one counts
  p.say(a, VoteReveal{id, "yes", salt});
  p.say(b, VoteReveal{id, "yes", other});  // not what it committed to
  p.say(c, VoteReveal{id, "yes", salt});
  p.close(id);
  now = p.ballot(id);
  CHECK(now.count.tally.yes == 2);
  CHECK(now.count.tally.abstain == 1);
  p.say(b, VoteReveal{id, "no", other});  // too late
  p.close(id);
  CHECK(p.ballot(id).state == BallotState::passed);
  CHECK(p.ballot(id).count.tally.no == 0);
  CHECK(verdicts(p.ballot(id)) == "votes holds, reveals holds, challenges holds");
}

TEST_CASE("ballot: a commitment binds voter, ballot and choice, and shows none of them") {
  const std::string salt(64, '1');
  const std::string one = commitment("b1", a, "yes", salt);
  CHECK(one.size() == 64);
  CHECK(one != commitment("b1", b, "yes", salt));
  CHECK(one != commitment("b2", a, "yes", salt));
  CHECK(one != commitment("b1", a, "no", salt));
  CHECK(one != commitment("b1", a, "yes", std::string(64, '2')));
}
