// Evidence against a closing: a head that other voters' witnesses dated before a phase ended.
//
// The voter's own word, or the position of its vote alone, shows nothing: it may have voted after it saw the count.
// What cannot be made up later is the date that witnesses put beside a head. More than half of the other voters must
// have cosigned it in time; the member that is challenged is not asked, nor needed.
#include <algorithm>
#include <set>

#include "alliance/ballot_question.h"
#include "alliance/reasons.h"
#include "log/checkpoint.h"
#include "log/cosignature.h"

namespace hz::alliance {
namespace {

using statement::Statement;

std::unexpected<Error> nothing(std::string_view what) { return fail(why("alliance.challenge"), "{}", what); }

// Under any log key that the log ever named.
Result<log::Checkpoint> open_head(const std::string& note, const Authority& authority) {
  Result<log::Checkpoint> out = nothing("no log key signed the head");
  for (const KeySpan& span : authority.keys) {
    if (span.role != Role::log) continue;
    out = log::open_checkpoint(note, {span.key.name, log::KeyType::ed25519, span.key.key});
    if (out) break;
  }
  return out;
}

// What a phase counts, of this ballot.
bool is_counted(const Statement& s, const Ballot& b, Phase phase) {
  const auto names_ballot = [&] { return s.body.text("ballot") == b.id; };
  if (phase == Phase::votes) return s.kind == (b.open.secret ? VoteCommit::kind : Vote::kind) && names_ballot();
  if (phase == Phase::reveals) return s.kind == VoteReveal::kind && names_ballot();
  return s.kind == BallotChallenge::kind && names_ballot();
}

}  // namespace

Result<void> BallotBook::shows(const Question& q, const Statement& s, const BallotChallenge& said, const Held& held,
                               const Sizes& known) const {
  const Ballot& b = q.ballot;
  const auto about = std::ranges::find(b.closings, said.close, &JudgedClosing::statement);
  if (about == b.closings.end() || about->phase != held.phase) return nothing("it is about another closing");
  if (said.cause != Cause::left_out && said.close != held.statement->id_text())
    return nothing("it is about another closing");
  const auto note = HZ_TRY(log::parse_note(said.note));
  const auto claimed = HZ_TRY(log::parse_checkpoint(note.text));
  const auto size = known.find(claimed.origin);
  const auto log = size == known.end() ? std::nullopt : archive_.prefix(claimed.origin, size->second);
  if (!log || claimed.size > size->second)
    return fail(why("alliance.ballot_waiting"), "{}: {} statements of {}", s.id_text(), claimed.size, claimed.origin);
  const auto head = HZ_TRY(open_head(said.note, *log->authority));
  const auto root = archive_.root(head.origin, head.size);
  if (!root)
    return fail(why("alliance.ballot_waiting"), "{}: {} statements of {}", s.id_text(), head.size, head.origin);
  if (*root != hex(head.root)) return nothing("the head is of another history");
  if (said.cause == Cause::left_out) {
    const FrontierEntry* counted = entry_of(held.frontier, head.origin);
    const std::uint64_t from = counted ? counted->size : 0;
    const auto left_out = [&](const Statement& t) {
      return t.index >= from && t.index < head.size && is_counted(t, b, held.phase);
    };
    if (!b.is_voter(head.origin) || std::ranges::none_of(log->acts, left_out))
      return nothing(fmt::format("nothing that counts is left out in {} from {} on", head.origin, from));
  } else {
    if (head.origin != b.origin) return nothing(fmt::format("{} did not close", head.origin));
    const bool holds_closing = head.size > held.statement->index;
    if (said.cause == Cause::early && !holds_closing) return nothing("the head does not hold the closing");
    if (said.cause == Cause::backdated && holds_closing) return nothing("the head holds the closing");
  }
  const std::int64_t claimed_ms = held.statement->issued_ms + backdated_ms_min;
  const auto shows_it = [&](std::uint64_t time_s) {
    return said.cause == Cause::backdated ? time_s > static_cast<std::uint64_t>(claimed_ms) / 1000
                                          : time_s <= static_cast<std::uint64_t>(held.ended_ms) / 1000;
  };
  std::size_t others = 0, dated = 0;
  std::set<std::string_view> asked;
  for (const VotingUnit& unit : b.units) asked.insert(unit.members.begin(), unit.members.end());
  asked.erase(head.origin);
  asked.erase(b.origin);
  for (const std::string_view voter : asked) {
    ++others;
    const auto at = known.find(std::string(voter));
    const auto their = at == known.end() ? std::nullopt : archive_.prefix(at->first, at->second);
    if (!their) continue;
    bool did = false;
    for (const KeySpan& span : their->authority->keys) {
      if (span.role != Role::witness || span.revoked) continue;
      const log::NoteKey key{span.key.name, log::KeyType::cosignature_v1, span.key.key};
      for (const log::SignatureLine& line : note.signatures) {
        if (line.name != key.name || line.key_id != key.id()) continue;
        const auto cosignature = log::parse_cosignature(line.signature);
        did |= cosignature && log::verify_cosignature(note.text, span.key.key, line.signature) &&
               shows_it(cosignature->time_s);
      }
    }
    dated += did;
  }
  if (others == 0 || dated * 2 <= others)
    return nothing(fmt::format("{} of {} other voters dated the head {} {}", dated, others,
                               said.cause == Cause::backdated ? "after" : "before",
                               utc_text(said.cause == Cause::backdated ? claimed_ms : held.ended_ms)));
  return {};
}

}  // namespace hz::alliance
