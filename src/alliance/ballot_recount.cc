// The count: which votes stand below the heads, and what they add up to.
#include <algorithm>

#include "alliance/ballot_fold.h"
#include "alliance/reasons.h"

namespace hz::alliance {
namespace {

using statement::Statement;

std::uint64_t size_in(const Sizes& sizes, const std::string& origin) {
  const auto found = sizes.find(origin);
  return found == sizes.end() ? 0 : found->second;
}

struct Counted {
  std::string ballot;
  Phase phase = Phase::votes;
  Tally tally;
  std::vector<CountedVote> votes;
  static constexpr auto fields() {
    return rows(row("ballot", &Counted::ballot, ""), row("phase", &Counted::phase, ""),
                row("tally", &Counted::tally, ""), row("votes", &Counted::votes, ""));
  }
};

}  // namespace

std::map<std::string, CountedVote> BallotBook::cast(const Ballot& b, const Sizes& votes_at) const {
  std::map<std::string, CountedVote> out;
  const auto frozen = frozen_logs(logs_at(votes_at), read_fork_);
  for (const VotingUnit& unit : b.units)
    for (const std::string& member : unit.members) {
      const auto log = archive_.prefix(member, size_in(votes_at, member));
      if (!log) continue;
      const std::uint64_t end = frozen.contains(member) ? frozen.at(member) : no_end;
      const FrontierEntry* opened_at = entry_of(b.open.frontier, member);
      // A vote names the ballot by its digest, so it stands beyond the heads that the opening named.
      const std::uint64_t from = opened_at ? opened_at->size : 0;
      for (auto at = std::ranges::lower_bound(log->acts, from, {}, &Statement::index); at != log->acts.end(); ++at) {
        const Statement& s = *at;
        if (s.index >= end) break;
        // Who leaves has no vote from there on. A suspension does not take it: the secretariat could silence its
        // opponents on the eve of the count.
        if (s.kind == Leave::kind) break;
        if (s.kind != (b.open.secret ? VoteCommit::kind : Vote::kind) || s.body.text("ballot") != b.id) continue;
        const std::string choice(s.body.text("choice"));
        if (b.open.secret)
          out[member] = {member, "", s.id_text()};
        else if (is_choice(b.open, choice))
          out[member] = {member, choice, s.id_text()};
      }
    }
  return out;
}

// A commitment that is not revealed abstains: it was present. A reveal counts only beyond the heads that closed the
// votes, so that nobody is asked to show a choice while others still choose.
void BallotBook::reveal(const Ballot& b, std::map<std::string, CountedVote>& votes, const Sizes& votes_at,
                        const Sizes& reveals_at) const {
  for (auto& [member, vote] : votes) {
    vote.choice = abstain;
    const auto committed_log = archive_.prefix(member, size_in(votes_at, member));
    const auto log = archive_.prefix(member, size_in(reveals_at, member));
    if (!committed_log || !log) continue;
    std::string committed;
    for (const Statement& s : committed_log->acts)
      if (s.id_text() == vote.statement) committed = from_json<VoteCommit>(s.body)->commitment;
    for (const Statement& s : log->acts) {
      if (s.kind != VoteReveal::kind || s.index < size_in(votes_at, member) || s.body.text("ballot") != b.id) continue;
      const auto said = from_json<VoteReveal>(s.body);
      if (!said || !is_choice(b.open, said->choice)) continue;
      if (commitment(b.id, member, said->choice, said->salt) == committed) vote.choice = said->choice;
    }
  }
}

Result<Recount> BallotBook::recount(const Ballot& b, Phase phase, const Sizes& votes_at,
                                    const Sizes& reveals_at) const {
  const auto opener = archive_.prefix(b.origin, size_in(votes_at, b.origin));
  const auto is_opening = [&](const Statement& s) { return s.index == b.index && s.id_text() == b.id; };
  if (!opener || std::ranges::none_of(opener->acts, is_opening))
    return fail(why("alliance.ballot"), "{}: its opening does not count at the heads that are named", b.id);
  auto votes = cast(b, votes_at);
  const bool sealed = b.open.secret && phase == Phase::votes;
  if (b.open.secret && !sealed) reveal(b, votes, votes_at, reveals_at);
  std::map<std::string, std::string> choices;
  Recount out;
  for (const auto& [member, vote] : votes) {
    choices[member] = sealed ? std::string(abstain) : vote.choice;
    out.votes.push_back(vote);
  }
  out.tally = count(b.rule, b.units, b.open.options, choices);
  if (sealed) {
    out.tally.abstain = 0;
    for (ChamberCount& c : out.tally.chambers) c.abstain = 0;
  } else {
    out.unanimous = !b.open.secret && is_unanimous(b.units, choices);
  }
  out.result = result_digest(to_json(Counted{b.id, phase, out.tally, out.votes}));
  return out;
}

}  // namespace hz::alliance
