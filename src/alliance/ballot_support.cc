// Ballots seen from outside: what they allow, all of them, and what closes the next one.
#include <algorithm>

#include "alliance/ballot_fold.h"
#include "alliance/reasons.h"

namespace hz::alliance {

using statement::Statement;

Result<BallotClose> BallotBook::next_closing(const Ballot& b, const std::vector<FrontierEntry>& frontier,
                                             const Sizes& at) {
  if (b.state != BallotState::open && b.state != BallotState::revealing && b.state != BallotState::closed)
    return fail(why("alliance.ballot_state"), "{} is {}", b.id, enum_text(b.state));
  HZ_TRY(check_frontier(frontier));
  HZ_TRY(is_here(frontier, at));
  const Sizes sizes = sizes_of(frontier);
  const Recount counted =
      b.next == Phase::challenges
          ? b.count
          : HZ_TRY(recount(b, b.next, b.next == Phase::reveals ? sizes_of(b.closed_at) : sizes, sizes));
  return BallotClose{b.id, b.next, {"ballot", b.id, frontier, counted.result}, counted.tally};
}

Support BallotBook::support_at(const Sizes& at, const Logs& logs, const std::string& founder) {
  return [this, &at, &logs, founder](const Membership& now, const Statement& act, std::string_view rule,
                                     std::string_view subject) -> Result<std::string> {
    std::string absent;
    for (const statement::Ref& ref : act.refs) {
      if (ref.rel != "depends-on") continue;
      const Statement* found = nullptr;
      for (const auto& [origin, log] : logs)
        for (const Statement& s : log.acts)
          if (s.kind == BallotOpen::kind && s.id_text() == ref.id) found = &s;
      if (!found) {
        absent = ref.id;
        continue;
      }
      const Ballot b = judge(*found, at, logs, founder);
      if (b.state == BallotState::waiting) return fail(why("alliance.ballot_waiting"), "{}: {}", b.id, b.detail);
      if (b.state != BallotState::passed)
        return fail(why("alliance.no_ballot"), "ballot {} is {}", b.id, enum_text(b.state));
      if (b.open.act != rule || b.open.subject != subject)
        return fail(why("alliance.no_ballot"), "ballot {} is on {} of {}, not on {} of {}", b.id, b.open.act,
                    b.open.subject, rule, subject);
      if (b.open.charter != now.charter_id)
        return fail(why("alliance.no_ballot"), "ballot {} was held under another charter", b.id);
      return b.id;
    }
    if (!absent.empty()) return fail(why("alliance.ballot_waiting"), "the opening of ballot {} is not here", absent);
    return fail(why("alliance.no_ballot"), "{} of {} names none", rule, subject);
  };
}

RootAt BallotBook::root_at(const Sizes& at) const {
  return [this, &at](const std::string& origin, std::uint64_t size) -> std::optional<std::string> {
    const auto here = at.find(origin);
    return here == at.end() || here->second < size ? std::nullopt : archive_.root(origin, size);
  };
}

Membership BallotBook::fold(const Sizes& at, const std::string& own) {
  const Logs logs = logs_at(at);
  const auto found = logs.find(own);
  const std::string founder = found == logs.end() ? std::string() : founder_of(found->second);
  return fold_membership(logs, own, read_fork_, support_at(at, logs, founder), root_at(at));
}

std::vector<Ballot> BallotBook::ballots(const Sizes& at, const std::string& founder) {
  const Logs logs = logs_at(at);
  std::vector<Ballot> out;
  for (const auto& [origin, log] : logs)
    for (const Statement& s : log.acts)
      if (s.kind == BallotOpen::kind) out.push_back(judge(s, at, logs, founder));
  std::ranges::sort(out, {}, &Ballot::id);
  return out;
}

std::vector<FrontierEntry> frontier_of(const Membership& membership, const std::vector<FrontierEntry>& heads) {
  std::vector<FrontierEntry> out;
  for (const FrontierEntry& head : heads) {
    const auto found = membership.standings.find(head.origin);
    if (found == membership.standings.end() || found->second.state == State::stranger ||
        found->second.state == State::applicant)
      continue;
    out.push_back(head);
  }
  for (const VotingUnit& unit : electorate(membership))
    for (const std::string& member : unit.members)
      if (std::ranges::find(heads, member, &FrontierEntry::origin) == heads.end()) out.push_back({member, 0, ""});
  std::ranges::sort(out, {}, &FrontierEntry::origin);
  return out;
}

}  // namespace hz::alliance
