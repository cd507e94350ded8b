#include "alliance/test_ballot.h"
#include "log/checkpoint.h"
#include "log/cosignature.h"

using namespace hz;
using namespace hz::alliance;
using namespace hz::alliance::test;

namespace {

const std::string a = "x.example/a", b = "x.example/b", c = "x.example/c", d = "x.example/d";

// Four members with log and witness keys. The founder opened a ballot and counts.
struct Dated : Poll {
  Dated() : Poll({"a", "b", "c", "d"}) {
    SeededRng rng(77);
    for (auto& [origin, log] : logs) {
      for (const Role role : {Role::log, Role::witness}) {
        auto key = crypto::SigningKey::generate(rng);
        const std::string name = key_name(origin, role);
        log.authority.keys.push_back({role, {name, key.verifying_key()}, 0, no_end, false, {}});
        keys.emplace(name, std::move(key));
      }
    }
  }
  // The head of a log at a size, dated by the named members' witnesses.
  std::string note(const std::string& origin, std::uint64_t size, const std::vector<std::string>& witnesses,
                   std::int64_t at_ms) {
    const log::Checkpoint head{origin, size, parse_digest(*root(origin, size)).value()};
    std::string out = log::sign_checkpoint(head, keys.at(origin));
    log::Note parsed = log::parse_note(out).value();
    for (const std::string& who : witnesses) {
      const std::string name = key_name(who, Role::witness);
      parsed.signatures.push_back(
          log::cosign(parsed.text, name, keys.at(name), static_cast<std::uint64_t>(at_ms) / 1000));
    }
    return log::format_note(parsed);
  }
  std::map<std::string, crypto::SigningKey> keys;
};

// The founder counts at heads from before b's vote; it is short of a quorum of others until then.
struct LeftOut : Dated {
  std::string id, closed;
  std::int64_t voted_ms = 0;
  LeftOut() {
    id = say(a, question());
    say(a, Vote{id, "yes"});
    say(c, Vote{id, "no"});
    auto old = heads();
    voted_ms = now_ms + 60'000;
    say(b, Vote{id, "no"});
    now_ms += hour_ms;
    for (FrontierEntry& e : old)
      if (e.origin == a) e = {a, sizes[a], *root(a, sizes[a])};
    closed = say(a, closing(id, old));
  }
  std::string challenge(const std::string& by, std::string evidence) {
    return say(by, BallotChallenge{id, closed, Cause::left_out, std::move(evidence)});
  }
};

}  // namespace

TEST_CASE("challenge: a vote that witnesses dated in time reopens the ballot, and the next count must have it") {
  LeftOut p;
  CHECK(p.ballot(p.id).state == BallotState::closed);
  CHECK(p.ballot(p.id).count.tally.no == 1);
  p.challenge(b, p.note(b, p.sizes[b], {c, d}, p.voted_ms));
  Ballot now = p.ballot(p.id);
  CHECK(now.state == BallotState::open);
  CHECK(verdicts(now) == "votes overturned");
  REQUIRE(now.challenges.size() == 1);
  CHECK(now.challenges[0].upheld);
  // The same heads again do not do.
  BallotClose again = from_json<BallotClose>(p.logs[a].acts.back().body).value();
  p.say(a, again);
  CHECK(p.ballot(p.id).state == BallotState::open);
  p.close(p.id);
  now = p.ballot(p.id);
  CHECK(now.state == BallotState::closed);
  CHECK(now.count.tally.no == 2);
  p.close(p.id);
  CHECK(p.ballot(p.id).state == BallotState::failed);
  CHECK(verdicts(p.ballot(p.id)) == "votes overturned, votes refuted, votes holds, challenges holds");
}

TEST_CASE("challenge: evidence that shows nothing changes nothing, and says why") {
  LeftOut p;
  const auto vain = [&](std::string evidence, std::string_view says) {
    p.challenge(b, std::move(evidence));
    const Ballot now = p.ballot(p.id);
    CHECK(now.state == BallotState::closed);
    CHECK_FALSE(now.challenges.back().upheld);
    CHECK_MESSAGE(now.challenges.back().detail.find(says) != std::string::npos, now.challenges.back().detail);
  };
  const std::uint64_t size = p.sizes[b];
  vain(p.note(b, size, {c}, p.voted_ms), "1 of 2 other voters dated");
  vain(p.note(b, size, {c, d}, p.now_ms + 1000), "0 of 2 other voters dated");
  vain(p.note(b, size, {a, b}, p.voted_ms), "0 of 2 other voters dated");  // not asked
  vain(p.note(b, 1, {c, d}, p.voted_ms), "nothing that counts is left out");
  vain(p.note(d, 1, {b, c}, p.voted_ms), "nothing that counts is left out");
  std::string other = p.note(b, size, {c, d}, p.voted_ms);
  vain(log::sign_checkpoint({b, size, Digest{}}, p.keys.at(b)), "another history");
  vain(log::sign_checkpoint({b, size, parse_digest(*p.root(b, size)).value()}, p.keys.at(c)), "");
  other[other.size() - 10] ^= 1;  // a bad cosignature is none
  vain(other, "1 of 2 other voters dated");
  vain("garbage", "");
}

TEST_CASE("challenge: after the end it is too late, but one that was made in time and not heard still counts") {
  LeftOut p;
  // The founder does not wait for the challenge: its last closing names b's log from before it.
  auto old = p.heads();
  const std::int64_t made_ms = p.now_ms + 60'000;
  p.challenge(b, p.note(b, p.sizes[b], {c, d}, p.voted_ms));
  p.now_ms += hour_ms;
  BallotClose last = p.closing(p.id);  // what the rules ask for now is another count
  CHECK(last.phase == Phase::votes);
  Sizes before = p.sizes;
  before[b] -= 1;
  BallotBook book(p, &Poll::no_fork);
  last = book.next_closing(p.ballot(p.id, before), old, before).value();
  CHECK(last.phase == Phase::challenges);
  const std::string end = p.say(a, last);
  CHECK(p.ballot(p.id).state == BallotState::failed);
  CHECK(p.ballot(p.id).challenges.back().detail == "it came after the end");
  p.say(b, BallotChallenge{p.id, end, Cause::left_out, p.note(b, p.sizes[b], {c, d}, made_ms)});
  CHECK(p.ballot(p.id).state == BallotState::open);
  CHECK(verdicts(p.ballot(p.id)) == "votes overturned, challenges overturned");
}

TEST_CASE("challenge: a closing that witnesses saw before the end is early, whatever time it claims") {
  Dated p;
  const std::string id = p.say(a, p.question());
  p.say(a, Vote{id, "yes"});
  p.say(b, Vote{id, "yes"});
  p.say(c, Vote{id, "no"});
  const std::int64_t really_ms = p.now_ms + 1000;
  p.now_ms += hour_ms;
  const std::string closing = p.say(a, p.closing(id));
  CHECK(p.ballot(id).state == BallotState::closed);
  p.say(d, BallotChallenge{id, closing, Cause::early, p.note(a, p.sizes[a] - 1, {b, c, d}, really_ms)});
  CHECK(p.ballot(id).state == BallotState::closed);  // that head does not hold it
  p.say(d, BallotChallenge{id, closing, Cause::early, p.note(a, p.sizes[a], {b, c, d}, really_ms)});
  CHECK(p.ballot(id).state == BallotState::open);
}

TEST_CASE("challenge: a closing that claims an old time, so that the time to challenge is over, is backdated") {
  Dated p;
  const std::string id = p.say(a, p.question());
  for (const std::string& who : {a, b}) p.say(who, Vote{id, "yes"});
  p.say(c, Vote{id, "no"});
  // Ten hours later the founder writes the end of the votes and of the challenges in one go.
  const std::int64_t claimed_ms = p.now_ms + hour_ms, really_ms = p.now_ms + 10 * hour_ms;
  const std::string before = p.note(a, p.sizes[a], {b, c, d}, really_ms - 1000);
  const std::string soon = p.note(a, p.sizes[a], {b, c, d}, claimed_ms + 60'000);
  p.close(id);
  const std::string end = p.close(id);
  CHECK(p.ballot(id).state == BallotState::passed);
  p.say(d, BallotChallenge{id, end, Cause::backdated, soon});
  CHECK(p.ballot(id).state == BallotState::passed);  // its time is before the end's
  CHECK(p.ballot(id).challenges.back().detail.find("0 of 3 other voters dated the head after") == 0);
  p.say(d, BallotChallenge{id, end, Cause::backdated, p.note(a, p.sizes[a], {b, c, d}, really_ms)});
  CHECK(p.ballot(id).challenges.back().detail == "the head holds the closing");
  p.say(d, BallotChallenge{id, end, Cause::backdated, before});
  CHECK(p.ballot(id).state == BallotState::closed);
  CHECK(verdicts(p.ballot(id)) == "votes holds, challenges overturned");
  const std::string votes = p.ballot(id).closings.front().statement;
  p.say(d, BallotChallenge{id, votes, Cause::backdated, before});
  CHECK(p.ballot(id).state == BallotState::open);
}

TEST_CASE("challenge: only those who vote are heard") {
  LeftOut p;
  LogActs stranger;
  stranger.authority.origin = stranger.authority.genesis.member = "x.example/e";
  p.logs.emplace("x.example/e", stranger);
  p.sizes["x.example/e"] = 1;
  p.challenge("x.example/e", p.note(b, p.sizes[b], {c, d}, p.voted_ms));
  CHECK(p.ballot(p.id).challenges.empty());
  CHECK(p.ballot(p.id).state == BallotState::closed);
}
