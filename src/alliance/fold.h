// The alliance's own part of replay: keys and membership, read from every log before any pillar's statement is.
//
// Whether a pillar's statement counts depends on statements that may stand anywhere else: its key's revocation later in
// the same log, a suspension in another. Replaying everything in one pass would make views depend on arrival. So replay
// has two passes. The first looks only at statements of alliance kinds ("acts"; they are few, and found by their
// predicate type without decoding the rest), keeps their leaves in alliance_act and folds them into one judgement. The
// second replays the pillars' statements that this judgement lets count. When new acts change the judgement of
// statements that were replayed before, all rows are replayed again.
#pragma once
#include <algorithm>
#include <array>
#include <set>
#include <span>

#include "alliance/ballot_fold.h"
#include "alliance/body.h"
#include "alliance/box_key.h"
#include "alliance/node_place.h"
#include "alliance/source.h"
#include "sql/db.h"

namespace hz::alliance {

class Judgement {
 public:
  // From the acts that alliance_act keeps. Errors: sql.*.
  static Result<Judgement> load(sql::Db& db, const std::string& own, ReadFork read_fork);

  // Finds the acts in [from, size) of a log, checks their signatures and keeps them. Errors: sql.*, log.*.
  Result<void> scan(sql::Db& db, const Source& log, std::uint64_t from);
  // Folds what load and scan found, for logs of these sizes. A log whose head is not signed by the key that its own
  // statements name is refused as a whole. Reads the roots at the heads that ballots and suspensions name, each once.
  // Errors: log.*.
  Result<void> finish(std::span<const Source> logs, const Sizes& sizes);

  bool found_acts() const { return found_; }
  const Membership& membership() const { return membership_; }
  const std::vector<Ballot>& ballots() const { return ballots_; }  // of this alliance, sorted by id
  // The closing that the rules ask for next, at the heads known here that count. Errors: as BallotBook::next_closing.
  Result<BallotClose> next_closing(const Ballot& ballot) const;
  // Heads of the logs that a ballot or another closing has to name.
  std::vector<FrontierEntry> frontier() const { return frontier_of(membership_, heads_); }
  // Null for a log without a valid genesis.
  const Authority* authority(const std::string& origin) const;
  // Everything that decides about statements below `size` of a log, as text: equal texts, equal rows.
  std::string about(const std::string& origin, std::uint64_t size) const;
  // Rewrites the tables of acts. Errors: sql.*.
  Result<void> write(sql::Db& db) const;

 private:
  struct Candidate {
    statement::Statement statement;
    Bytes leaf;
  };
  struct Log {
    std::optional<Authority> authority, first;  // now, and by the genesis alone
    std::vector<Candidate> candidates;
    std::vector<statement::Statement> changes;  // of keys
  };
  class Past;  // the logs' prefixes, for ballots
  Judgement(std::string own, ReadFork read_fork) : own_(std::move(own)), read_fork_(read_fork) {}
  void take_named(const statement::Statement& s);
  Result<void> read_roots(std::span<const Source> logs);
  void take(const std::string& origin, std::uint64_t index, bool signatures_hold, ByteView leaf);
  void refuse(const std::string& origin, std::uint64_t index, std::string_view kind, Error error);

  std::string own_;
  ReadFork read_fork_;
  bool found_ = false;
  std::map<std::string, Log> logs_;
  std::map<std::string, LogActs> acts_;
  std::vector<RefusedAct> refused_;
  Membership membership_;
  std::vector<Ballot> ballots_;
  Sizes sizes_;
  std::vector<FrontierEntry> heads_;
  // Heads that ballots, suspensions and expulsions name, and their roots where they are here: a part of the views, so
  // that each is computed once.
  using Position = std::pair<std::string, std::uint64_t>;
  std::set<Position> named_;
  std::map<Position, std::string> roots_;
};

// Kinds of this module that decide about no other statement: replayed like a pillar's.
inline constexpr std::array plain_kinds = {NodePlace::kind, BoxKey::kind, BodyErased::kind, BodyShared::kind,
                                           Group::kind};
// The kind is this module's, and decides about other statements.
inline bool is_act(std::string_view kind) {
  return kind.starts_with("alliance.") && std::ranges::find(plain_kinds, kind) == plain_kinds.end();
}

}  // namespace hz::alliance
