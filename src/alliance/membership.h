// Who is in the alliance, and which statements of each log count. Pure: a function of statements and positions.
//
// The tempting rule, "the newest membership statement wins", has no meaning across logs: arrival differs from node to
// node and claimed times can be invented. So one log at a time decides: the founder's, until a charter in it names
// another log and a position as the secretariat. Walking that chain gives one order of acts that every node agrees on.
// What a member does to itself (leave, log_end) stands in its own log and cuts its own statements only.
//
// An answer is a set of ranges of positions per log. A member that is suspended and admitted again has two.
//
// Where the charter in force has a rule for an act (charter, admit, suspend, expel), the act counts only when a ballot
// under that charter supports it. Whether one does is asked from ballot_fold.h through `Support`.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "alliance/authority.h"
#include "alliance/charter.h"
#include "statement/statement.h"

namespace hz::alliance {

enum class State : std::uint8_t { stranger, applicant, member, suspended, expelled, left, frozen };
constexpr auto enum_names(State) {
  return std::array<EnumName<State>, 7>{{{State::stranger, "stranger"},
                                         {State::applicant, "applicant"},
                                         {State::member, "member"},
                                         {State::suspended, "suspended"},
                                         {State::expelled, "expelled"},
                                         {State::left, "left"},
                                         {State::frozen, "frozen"}}};
}

// Positions [begin, end) of a log.
struct Range {
  std::uint64_t begin = 0, end = no_end;
  bool operator==(const Range&) const = default;
};

// One log as the rules see it: its keys, and its acts (the statements of alliance kinds) in order of position, each
// checked against the keys already.
struct LogActs {
  Authority authority;
  std::vector<statement::Statement> acts;
};

// The same, owned by somebody else.
struct LogView {
  const Authority* authority = nullptr;
  std::span<const statement::Statement> acts;
};
using Logs = std::map<std::string, LogView>;
Logs views_of(const std::map<std::string, LogActs>& logs);

struct Standing {
  State state = State::stranger;
  std::vector<Range> counted;  // ascending, not touching
  std::string tier, url, pin, root_fingerprint;
  std::string statement;  // the last act that decided, hex
  bool counts(std::uint64_t index) const;
};

// An act that means nothing, with the reason.
struct RefusedAct {
  std::string origin;
  std::uint64_t index = 0;
  std::string kind;
  Error error;
};

struct Membership {
  std::string founder;             // empty: this member is in no alliance
  std::optional<Charter> charter;  // in force
  std::string charter_id;          // statement id, hex
  std::string secretariat;         // origin of the log that decides now
  std::map<std::string, Standing> standings;
  std::map<std::string, std::pair<JoinRequest, std::string>> requests;  // newest of each log, with statement id
  std::vector<RefusedAct> refused;
  std::set<std::string> used_ballots;  // each allows one act

  bool counts(const std::string& origin, std::uint64_t index) const;
};

// The ballot that allows an act, by id: one named by the act that passed under the charter in force, on this rule and
// subject. Errors: alliance.no_ballot, alliance.ballot_waiting.
using Support = std::function<Result<std::string>(const Membership& now, const statement::Statement& act,
                                                  std::string_view rule, std::string_view subject)>;
// A charter, admission, suspension or expulsion.
bool is_decision(const statement::Statement& s);
// The rule of the charter in force; null when there is none.
const VoteRule* rule_for(const Membership& membership, std::string_view act);

// Somebody votes under the next charter, or nobody could ever change it again. The founder is of its first tier.
// Errors: alliance.charter.
Result<void> check_voters(const Membership& membership, const Charter& next);

// The founder of the alliance that a log belongs to: by its last charter (itself) or join request. Empty when none.
std::string founder_of(const LogView& own);

// Freezes a log: the number of statements that both branches of a fork share for certain. Errors: what is wrong with
// the evidence.
using ReadFork = Result<std::uint64_t> (*)(const ForkEvidence& evidence, const Authority& forked);

// The root of a log at a size, hex; nullopt when it is not known here.
using RootAt = std::function<std::optional<std::string>(const std::string& origin, std::uint64_t size)>;

// A log that is no member's counts on its own node only (`own`): a company outside any alliance asks its node too. A
// forked log is cut there as everywhere.
// Without `support` no act that needs a ballot counts. A suspension or expulsion that names another root than
// `root_at` knows is refused (alliance.other_history); while the log is not here so far, it counts as it is said.
// Cost: linear in the acts.
Membership fold_membership(const Logs& logs, const std::string& own, ReadFork read_fork, const Support& support = {},
                           const RootAt& root_at = {});
// The alliance of a founder, whoever asks.
Membership fold_alliance(const Logs& logs, const std::string& founder, ReadFork read_fork, const Support& support,
                         const RootAt& root_at = {});
// The logs that are proven to have two histories, with the number of statements that still count.
std::map<std::string, std::uint64_t> frozen_logs(const Logs& logs, ReadFork read_fork);

}  // namespace hz::alliance
