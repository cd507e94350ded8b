// Ballots in real logs: keys, signatures, arrival in any order.
#include <doctest/doctest.h>

#include "alliance/judge.h"
#include "alliance/keys.h"
#include "alliance/test_alliance.h"

using namespace hz;
using namespace hz::alliance;
using namespace hz::alliance::test;

namespace {

constexpr std::int64_t day_ms = 86'400'000;

// Members of one alliance with each other's logs as far as they were copied.
struct Hall {
  Alliance alliance;
  explicit Hall(std::size_t count, std::uint64_t seed) : alliance(count, seed) {}
  Member& at(std::size_t i) { return alliance.members[i]; }

  void copy(std::size_t from, std::size_t to) {
    const fs::path folder = peer_folder(at(to).home(), at(from).origin());
    fs::remove_all(folder);  // a journal of before would undo the copy
    fs::create_directories(folder);
    for (const auto& file : fs::directory_iterator(at(from).home() / "log"))
      fs::copy_file(file.path(), folder / file.path().filename(), fs::copy_options::overwrite_existing);
    reopen(to);  // a copied file is not a log that grew
  }
  void copy_all() {
    for (std::size_t i = 0; i < alliance.members.size(); ++i)
      for (std::size_t k = 0; k < alliance.members.size(); ++k)
        if (i != k) copy(i, k);
  }
  void reopen(std::size_t i) {
    const fs::path home = at(i).home();
    {
      const Member gone = std::move(at(i));
    }
    at(i) = Member::open(home, Alliance::mounted(), alliance.seams()).value();
  }
  BallotOpen question(std::size_t who, std::string act, std::string subject) {
    const Judgement now = judge_anew(at(who)).value();
    BallotOpen open;
    open.act = std::move(act);
    open.subject = std::move(subject);
    open.text = "Shall it be so?";
    open.charter = now.membership().charter_id;
    open.closes_ms = alliance.clock.now_ms() + 7 * day_ms;
    open.frontier = now.frontier();
    return open;
  }
  Ballot ballot(std::size_t who, const std::string& id) {
    const Judgement now = judge_anew(at(who)).value();
    for (const Ballot& b : now.ballots())
      if (b.id == id) return b;
    FAIL("no ballot");
    return {};
  }
  std::string close(std::size_t who, const std::string& id) {
    alliance.clock.advance_ms(7 * day_ms);
    const Judgement now = judge_anew(at(who)).value();
    for (const Ballot& b : now.ballots())
      if (b.id == id) return at(who).append(draft(now.next_closing(b).value()))->id;
    FAIL("no ballot");
    return {};
  }
};

}  // namespace

TEST_CASE("ballot in logs: three members amend their charter, and all nodes see the same") {
  Hall h(3, 21);
  h.copy_all();
  Charter next = default_charter("Amended", h.at(0).origin());
  next.version = 2;
  BallotOpen open = h.question(0, "charter", charter_subject(next));
  open.proposal = json::dump(to_json(next));
  const std::string id = h.at(0).append(draft(open))->id;
  h.copy_all();
  for (std::size_t i = 0; i < 3; ++i) REQUIRE(h.at(i).append(draft(Vote{id, i == 2 ? "no" : "yes"})));
  h.copy_all();
  h.close(0, id);
  h.close(0, id);
  REQUIRE(h.at(0).append(draft(next, {{"depends-on", id}})));
  h.copy_all();
  std::string digest;
  for (std::size_t i = 0; i < 3; ++i) {
    sql::Db& views = *h.at(i).views().value();
    CHECK(views.text("SELECT name FROM public_alliance_charter").value() == "Amended");
    CHECK(views.text("SELECT state FROM public_alliance_ballot").value() == "passed");
    CHECK(views.integer("SELECT yes FROM public_alliance_ballot").value() == 2);
    CHECK(views.integer("SELECT count(*) FROM public_alliance_ballot_close WHERE verdict = 'holds'").value() == 2);
    const std::string one = view_digest(views).value();
    if (digest.empty()) digest = one;
    CHECK(one == digest);
  }
}

TEST_CASE("ballot in logs: a vote by a stolen key does not count when the revocation stands below the closing") {
  Hall h(3, 22);
  h.copy_all();
  const std::string id = h.at(0).append(draft(h.question(0, "specification", "draft")))->id;
  h.copy_all();
  REQUIRE(h.at(1).append(draft(Vote{id, "yes"})));
  const std::string author = hex(h.at(1).authority().key(Role::author)->key.id);
  const auto from = static_cast<std::int64_t>(h.at(1).log().head().size - 1);
  h.copy(1, 0);
  CHECK(h.ballot(0, id).count.tally.yes == 1);
  Alliance& all = h.alliance;
  REQUIRE(h.at(1).append(draft(KeyRevoke{author, from, "stolen"})));
  all.rotate(1, Role::author);
  h.copy(1, 0);
  CHECK(h.ballot(0, id).count.tally.yes == 0);
  REQUIRE(h.at(1).append(draft(Vote{id, "no"})));
  h.copy(1, 0);
  h.close(0, id);
  CHECK(h.ballot(0, id).count.tally.no == 1);
  // A later revocation does not reach into a count that is closed.
  const std::string second = hex(h.at(1).authority().key(Role::author)->key.id);
  REQUIRE(h.at(1).append(draft(KeyRevoke{second, from + 2, "stolen again"})));
  h.copy(1, 0);
  CHECK(h.ballot(0, id).count.tally.no == 1);
  CHECK(h.ballot(0, id).closings.back().verdict == Verdict::holds);
}

TEST_CASE("ballot in logs: a vote signed by another member, or in another's name, is none") {
  Hall h(3, 23);
  h.copy_all();
  const std::string id = h.at(0).append(draft(h.question(0, "specification", "draft")))->id;
  const json::Value body = to_json(Vote{id, "yes"});
  const auto forged = [&](std::size_t into, std::size_t signer, const std::string& issuer) {
    Member& m = h.at(into);
    const auto key = load_key(h.at(signer).keys_folder(), Role::author).value();
    statement::Idem idem;
    h.alliance.rng.fill(idem);
    const std::string payload =
        statement::build_payload(
            {.kind = Vote::kind, .issuer = issuer, .log = m.origin(), .role = "author", .idem = idem, .body = &body})
            .value();
    const statement::NamedSigner* signers[] = {&key};
    auto made = statement::sign(payload, signers).value();
    REQUIRE(m.become_writer());
    const log::Entry entry{std::move(made.leaf), made.id, idem};
    REQUIRE(m.log().append({&entry, 1}));
  };
  forged(1, 2, h.at(1).origin());
  forged(2, 2, h.at(1).origin());
  h.copy_all();
  const Ballot b = h.ballot(0, id);
  CHECK(b.count.tally.present == 0);
  CHECK(h.at(0)
            .views()
            .value()
            ->integer("SELECT count(*) FROM public_alliance_refused WHERE kind = 'alliance.vote'")
            .value() == 2);
}

TEST_CASE("ballot in logs: what a fork proves is folded again, its kind has a row") {
  Hall h(2, 24);
  ForkEvidence said;
  said.origin = h.at(1).origin();
  said.evidence = "no evidence";
  REQUIRE(h.at(0).append(draft(said)));
  h.copy(1, 0);
  CHECK(h.at(0)
            .views()
            .value()
            ->integer("SELECT count(*) FROM public_alliance_refused WHERE kind = 'alliance.fork_evidence'")
            .value() == 1);
}

TEST_CASE("ballot in logs: equal frontiers give byte-equal views with ballots, whatever the order of arrival") {
  for (const std::uint64_t seed : {301, 302, 303}) {
    CAPTURE(seed);
    SeededRng rng(seed);
    Hall h(4, seed);
    h.copy_all();
    std::vector<std::pair<std::size_t, std::string>> open;
    const auto any = [&] { return static_cast<std::size_t>(rng.below(4)); };
    for (int step = 0; step < 60; ++step) {
      const std::size_t who = any();
      Member& m = h.at(who);
      switch (rng.below(14)) {
        case 0:
        case 1: {  // some with heads that are old, some on charters
          const std::size_t knows = rng.below(4) ? who : any();
          if (open.size() > 4 || !judge_anew(h.at(knows))->membership().charter) break;
          Charter next = default_charter(fmt::format("v{}", step), h.at(0).origin());
          next.version = judge_anew(h.at(knows))->membership().charter->version + 1;
          BallotOpen q = rng.below(2)
                             ? h.question(knows, "charter", charter_subject(next))
                             : h.question(knows, rng.below(2) ? "expel" : "specification", h.at(any()).origin());
          if (q.act == "charter") q.proposal = json::dump(to_json(next));
          q.secret = rng.below(4) == 0;
          open.emplace_back(who, m.append(draft(q))->id);
          break;
        }
        case 2:
          h.copy(who, any() == who ? (who + 1) % 4 : (who + 2) % 4);
          break;
        case 3:
        case 7:
          h.copy_all();
          break;
        case 8:  // all of one mind
          if (!open.empty())
            for (std::size_t i = 0; i < 4; ++i) REQUIRE(h.at(i).append(draft(Vote{open.back().second, "yes"})));
          break;
        case 9:
        case 10:
        case 4: {  // the truth, as far as it is known there
          if (open.empty()) break;
          const auto& [opener, id] = open[rng.below(open.size())];
          h.alliance.clock.advance_ms(8 * day_ms);
          const Judgement now = judge_anew(h.at(opener)).value();
          for (const Ballot& b : now.ballots())
            if (b.id == id)
              if (auto said = now.next_closing(b)) {
                if (rng.below(4) == 0) ++said->tally.yes;
                REQUIRE(h.at(opener).append(draft(*said)));
              }
          break;
        }
        case 11:
        case 5:
          if (!open.empty()) {
            const std::size_t k = rng.below(open.size());
            const Judgement now = judge_anew(h.at(0)).value();
            std::string text;
            for (const Ballot& b : now.ballots())
              if (b.id == open[k].second) text = b.open.proposal;
            if (!text.empty())
              REQUIRE(h.at(0).append(draft(*from_json<Charter>(*json::parse(text)), {{"depends-on", open[k].second}})));
            else
              REQUIRE(h.at(0).append([&] {
                Member& gone = h.at(1 + rng.below(3));
                const auto root = gone.log().root_at(5);
                return draft(Expel{gone.origin(), 5, root ? hex(*root) : "", "voted"},
                             {{"depends-on", open[k].second}});
              }()));
          }
          break;
        case 6:
          if (rng.below(3) == 0) h.alliance.rotate(who, Role::author);
          break;
        default:
          if (!open.empty()) {
            const std::string& id = open[rng.below(open.size())].second;
            const std::string choice = rng.below(4) ? "yes" : "no", salt(64, '1');
            REQUIRE(m.append(draft(Vote{id, choice})));
            REQUIRE(m.append(draft(VoteCommit{id, commitment(id, m.origin(), choice, salt)})));
            if (rng.below(3) == 0) REQUIRE(m.append(draft(VoteReveal{id, choice, salt})));
          }
      }
      REQUIRE(m.append(draft(Fact{fmt::format("n{}", rng.below(8)), step})));
    }
    // And one charter that binds, on every history.
    h.copy_all();
    const Judgement before = judge_anew(h.at(0)).value();
    Charter last = default_charter("last", h.at(0).origin());
    last.version = before.membership().charter->version + 1;
    BallotOpen q = h.question(0, "charter", charter_subject(last));
    q.proposal = json::dump(to_json(last));
    const std::string binding = h.at(0).append(draft(q))->id;
    for (std::size_t i = 0; i < 4; ++i) REQUIRE(h.at(i).append(draft(Vote{binding, "yes"})));
    h.copy_all();
    h.close(0, binding);
    REQUIRE(h.at(0).append(draft(last, {{"depends-on", binding}})));
    open.emplace_back(0, binding);
    std::map<std::string, std::string> first;  // by standing of the one who asks
    for (int order = 0; order < 5; ++order) {
      CAPTURE(order);
      const auto asks = static_cast<std::size_t>(order) % 4;
      Replayer views(h.alliance, asks);
      std::vector<std::uint64_t> at(4, 0);
      if (order > 0) {
        for (int turn = 0; turn < 25; ++turn) {
          const std::size_t log = any();
          at[log] = std::min(h.at(log).log().head().size, at[log] + 1 + rng.below(15));
          views.catch_up(at);
        }
      }
      views.catch_up();
      const std::string state =
          views.text(fmt::format("SELECT state FROM public_alliance_member WHERE member = '{}'", h.at(asks).origin()));
      const auto [known, added] =
          first.emplace(state == "member" ? state : h.at(asks).origin(), view_digest(views.db()).value());
      CHECK(known->second == view_digest(views.db()).value());
      if (order == 0) {
        CHECK(views.count("SELECT count(*) FROM public_alliance_ballot") == static_cast<std::int64_t>(open.size()));
        CHECK(views.text("SELECT name FROM public_alliance_charter") == "last");
      }
    }
  }
}
