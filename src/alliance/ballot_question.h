// A ballot while it is judged. Shared by ballot_fold.cc and ballot_challenge.cc only.
#pragma once
#include "alliance/ballot_fold.h"

namespace hz::alliance {

struct BallotBook::Held {
  const statement::Statement* statement = nullptr;
  Phase phase = Phase::votes;
  std::vector<FrontierEntry> frontier;
  Recount count;
  std::int64_t ended_ms = 0;  // when the phase ended by the rules
  std::size_t judged = 0;     // place in ballot.closings
};

struct BallotBook::Question {
  Ballot ballot;
  const Sizes& at;
  const Logs& logs;
  std::vector<Held> held;  // one for each phase that is closed, in order
  std::vector<std::pair<const statement::Statement*, BallotChallenge>> challenges;

  bool finished() const {
    if (held.empty()) return false;
    const std::size_t counting = ballot.open.secret ? 2 : 1;
    return held.back().count.unanimous || held.back().phase == Phase::challenges ||
           (held.size() == counting && ballot.rule.challenge_ms == 0);
  }
  Phase next() const {
    if (held.empty()) return Phase::votes;
    return ballot.open.secret && held.size() == 1 ? Phase::reveals : Phase::challenges;
  }
  std::int64_t next_ms() const {
    if (held.empty()) return ballot.open.closes_ms;
    return held.back().statement->issued_ms +
           (next() == Phase::reveals ? ballot.open.reveal_ms : ballot.rule.challenge_ms);
  }
};

}  // namespace hz::alliance
