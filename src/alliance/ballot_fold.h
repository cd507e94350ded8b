// What became of each ballot, computed from the logs: by every node, at every fold, from the statements alone.
//
// When is a vote in time? Not by its claimed time, which can be invented, and not by arrival, which differs. A vote is
// counted when it stands below the heads that the closing names, and the last one there counts. Whoever closes may not
// go back behind heads named before, must name the log of everyone who votes, and can be shown to be wrong: by a head
// of a voter's log that other voters' witnesses dated before the end and that holds more than was counted.
//
// Every phase ends in the same way: votes, reveals of a secret ballot, challenges. Each closing is judged at its own
// frontier, with keys and charter as whoever had just these logs would judge, so nothing said later changes it.
//
// A node that lacks a statement below a named head does not guess: the ballot waits, and so does what it supports.
#pragma once
#include <memory>

#include "alliance/ballot.h"

namespace hz::alliance {

// The past of the logs at hand.
class Archive {
 public:
  virtual ~Archive() = default;
  // A log by its first `size` statements alone, keys included; nullopt when it has no genesis there or is not here.
  virtual std::optional<LogView> prefix(const std::string& origin, std::uint64_t size) const = 0;
  // Root of a log at a size, hex; nullopt when fewer statements are here.
  virtual std::optional<std::string> root(const std::string& origin, std::uint64_t size) const = 0;
};

enum class BallotState : std::uint8_t { open, revealing, closed, passed, failed, waiting, refused };
constexpr auto enum_names(BallotState) {
  return std::array<EnumName<BallotState>, 7>{{{BallotState::open, "open"},
                                               {BallotState::revealing, "revealing"},
                                               {BallotState::closed, "closed"},
                                               {BallotState::passed, "passed"},
                                               {BallotState::failed, "failed"},
                                               {BallotState::waiting, "waiting"},
                                               {BallotState::refused, "refused"}}};
}
enum class Verdict : std::uint8_t { holds, refuted, overturned, waiting };
constexpr auto enum_names(Verdict) {
  return std::array<EnumName<Verdict>, 4>{{{Verdict::holds, "holds"},
                                           {Verdict::refuted, "refuted"},
                                           {Verdict::overturned, "overturned"},
                                           {Verdict::waiting, "waiting"}}};
}

// A vote as counted; `choice` is empty while it is secret.
struct CountedVote {
  std::string member, choice, statement;
  static constexpr auto fields() {
    return rows(row("member", &CountedVote::member, "who voted"),
                row("choice", &CountedVote::choice, "what it chose; empty while secret"),
                row("statement", &CountedVote::statement, "vote or commitment, statement id"));
  }
};
struct JudgedClosing {
  std::string statement;
  std::uint64_t index = 0;
  Phase phase = Phase::votes;
  Verdict verdict = Verdict::holds;
  std::string detail;
  std::string overturned_by;  // challenge, statement id
};
struct JudgedChallenge {
  std::string origin, statement, close;
  Cause cause = Cause::left_out;
  bool upheld = false;
  std::string detail;
};

// The count at one frontier.
struct Recount {
  Tally tally;
  std::vector<CountedVote> votes;  // sorted by member
  std::string result;              // digest
  bool unanimous = false;
};

struct Ballot {
  std::string id, origin;  // the opening statement, and whose log opens and closes
  std::uint64_t index = 0;
  std::int64_t issued_ms = 0;
  BallotOpen open;
  VoteRule rule;
  std::vector<VotingUnit> units;
  BallotState state = BallotState::open;
  std::string detail;                    // why it waits or is refused
  Recount count;                         // as closed; else by what is here
  std::vector<FrontierEntry> closed_at;  // of the closing that counts; empty while open
  std::vector<JudgedClosing> closings;
  std::vector<JudgedChallenge> challenges;
  Phase next = Phase::votes;  // what the next closing ends
  std::int64_t next_ms = 0;   // from when, by the closing member's clock
  bool is_voter(std::string_view member) const;
};

class BallotBook {
 public:
  BallotBook(const Archive& archive, ReadFork read_fork) : archive_(archive), read_fork_(read_fork) {}
  // Who is in the alliance of `own`, by the logs up to these sizes.
  Membership fold(const Sizes& at, const std::string& own);
  // Every ballot of a founder's alliance, by the logs up to these sizes. Sorted by id. Cost per ballot: linear in the
  // acts.
  std::vector<Ballot> ballots(const Sizes& at, const std::string& founder);
  // The closing that the rules ask for next, at these heads: phase, tally and result digest filled in. Errors:
  // alliance.ballot_state, alliance.ballot_waiting, alliance.closing.
  Result<BallotClose> next_closing(const Ballot& ballot, const std::vector<FrontierEntry>& frontier, const Sizes& at);

 private:
  struct Held;      // a closing that holds
  struct Question;  // a ballot while it is judged
  struct Opened {
    VoteRule rule;
    std::vector<VotingUnit> units;
  };
  Logs logs_at(const Sizes& at) const;
  Support support_at(const Sizes& at, const Logs& logs, const std::string& founder);
  // Of what is below `at`, which must outlive it.
  RootAt root_at(const Sizes& at) const;
  // Every statement below the frontier is here, and its roots are these. Errors: alliance.ballot_waiting,
  // alliance.ballot.
  Result<void> is_here(const std::vector<FrontierEntry>& frontier, const Sizes& at) const;
  Result<Opened> opened(const statement::Statement& s, const BallotOpen& open, const Sizes& at,
                        const std::string& founder);
  Ballot judge(const statement::Statement& s, const Sizes& at, const Logs& logs, const std::string& founder);
  void walk(Question& q);
  void reopen(Question& q, const Sizes& known, std::size_t first = 0);
  void tell_challenges(Question& q);
  Result<Held> judge_closing(Question& q, const statement::Statement& s, const BallotClose& said);
  Result<Recount> recount(const Ballot& b, Phase phase, const Sizes& votes_at, const Sizes& reveals_at) const;
  // Votes or commitments by member; then what reveals say of them.
  std::map<std::string, CountedVote> cast(const Ballot& b, const Sizes& votes_at) const;
  void reveal(const Ballot& b, std::map<std::string, CountedVote>& votes, const Sizes& votes_at,
              const Sizes& reveals_at) const;
  // The evidence shows that the closing is wrong. Errors: alliance.challenge, alliance.ballot_waiting.
  Result<void> shows(const Question& q, const statement::Statement& s, const BallotChallenge& said, const Held& held,
                     const Sizes& known) const;

  const Archive& archive_;
  ReadFork read_fork_;
  std::map<std::string, Result<Opened>> opened_;  // by statement id
};

// The logs whose heads a ballot has to name so that anyone can count again: those that have or had a part in the
// alliance, as far as they are here.
std::vector<FrontierEntry> frontier_of(const Membership& membership, const std::vector<FrontierEntry>& heads);

}  // namespace hz::alliance
