// Which ballot allows what a command is about to sign.
#pragma once
#include "alliance/judge.h"
#include "alliance/reasons.h"
#include "api/op.h"

namespace hz::node {

// A charter from a file: the charter itself, or what `hezong charter show --json` printed. Errors: base.read,
// base.json_*.
Result<alliance::Charter> read_charter(const fs::path& path);

// The one of them whose id begins so, with at least 6 hex digits. Errors: alliance.no_such_ballot.
template <class T>
Result<const T*> only_one(const std::vector<T>& all, std::string_view id, std::string T::* id_of) {
  const T* found = nullptr;
  for (const T& one : all) {
    if (id.size() < 6 || !(one.*id_of).starts_with(id)) continue;
    if (found) return fail(alliance::why("alliance.no_such_ballot"), "{} begins two ids", id);
    found = &one;
  }
  if (!found) return fail(alliance::why("alliance.no_such_ballot"), "{}", id);
  return found;
}

// A ballot by the start of its id, at least 6 hex digits. Errors: alliance.no_such_ballot.
Result<alliance::Ballot> find_ballot(const alliance::Judgement& judgement, std::string_view id);

// The opening of a ballot under the charter in force, at the heads known here. Errors: alliance.no_charter,
// alliance.ballot, alliance.not_voter.
Result<alliance::BallotOpen> new_question(const alliance::Judgement& judgement, std::string_view own,
                                          std::string_view act, std::int64_t now_ms);

// What an act of the secretariat has to refer to. Empty when the charter has no rule for it; else the given ballot, or
// one that passed on this subject and is not used yet. A member that is the whole electorate opens, votes and closes
// one here. `proposal` is the charter's text, for charters. Errors: alliance.no_ballot, alliance.no_such_ballot.
Result<std::vector<statement::Ref>> ballot_support(api::Ctx& ctx, alliance::Member& member, std::string_view act,
                                                   std::string_view subject, std::string_view proposal,
                                                   const std::optional<std::string>& given);

}  // namespace hz::node
