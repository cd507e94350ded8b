// What the log shows to others: the newest head that was brought to its witnesses, with what they signed.
//
// A head is durable when append returns, and public only after a cosigning round: a head that no witness saw could
// still be replaced by a restored backup, and nobody could tell. Two notes of the published head are kept. They differ
// in the time of a witness that was asked again: the newest shows that the log is alive, the earliest is what a closing
// counts (the head existed by then).
#include <algorithm>

#include "log/cosignature.h"
#include "log/reasons.h"
#include "log/state.h"

namespace hz::log {
namespace {

std::uint64_t time_of(const SignatureLine& line) {
  const auto cosignature = parse_cosignature(line.signature);
  return cosignature ? cosignature->time_s : 0;
}

// `base` with one line per witness from either note, the newer or the older one. All lines are verified already.
std::string merge(Note base, const Note& more, bool newest) {
  for (const SignatureLine& line : more.signatures) {
    const auto same = std::ranges::find_if(
        base.signatures, [&](const SignatureLine& s) { return s.name == line.name && s.key_id == line.key_id; });
    if (same == base.signatures.end()) {
      base.signatures.push_back(line);
    } else if (newest ? time_of(line) > time_of(*same) : time_of(line) < time_of(*same)) {
      *same = line;
    }
  }
  return format_note(base);
}

}  // namespace

Result<Published> Log::State::published() {
  Published out{head.size, checkpoint, checkpoint};
  HZ_TRY(
      db.query("SELECT size, checkpoint, first_checkpoint FROM published WHERE one = 1", {}, [&](const sql::Row& row) {
        out = {static_cast<std::uint64_t>(row.integer(0)), row.text(1), row.text(2)};
        return false;
      }));
  return out;
}

Result<std::string> Log::State::shown_checkpoint() {
  const Published shown = HZ_TRY(published());
  // After a change of keys the published note is under the old one until the next round.
  return shown.size == head.size && open_checkpoint(shown.note, note_key) ? shown.note : checkpoint;
}

Result<Published> Log::published() { return state_->published(); }

Result<void> Log::publish(std::string_view checkpoint, std::span<const NoteKey> witnesses) {
  State& state = *state_;
  if (!state.may_write()) return fail(why("log.read_only"), "{}", state.folder.string());
  const Checkpoint head = HZ_TRY(open_checkpoint(checkpoint, state.note_key));
  if (HZ_TRY(root_at(head.size)) != head.root)
    return fail(why("log.forked"), "the note to publish has another root at size {}", head.size);
  const Published old = HZ_TRY(state.published());
  const bool stored = HZ_TRY(state.db.integer("SELECT count(*) FROM published")).value_or(0) > 0;
  if (stored && head.size < old.size) return fail(why("log.publish"), "size {} after size {}", head.size, old.size);

  std::vector<NoteKey> known(witnesses.begin(), witnesses.end());
  known.push_back(state.note_key);
  Note note = HZ_TRY(parse_note(checkpoint));
  HZ_TRY(verify_note(note, known));
  std::vector<SignatureLine> lines;
  for (const SignatureLine& line : note.signatures) {
    const auto same = [&](const auto& s) { return s.name == line.name && s.key_id == line.key_id; };
    const bool of_known =
        std::ranges::any_of(known, [&](const NoteKey& k) { return k.name == line.name && k.id() == line.key_id; });
    if (of_known && std::ranges::none_of(lines, same)) lines.push_back(line);
  }
  note.signatures = std::move(lines);

  std::string newest = format_note(note), first = newest;
  if (stored && old.size == head.size) {
    newest = merge(HZ_TRY(parse_note(old.note)), note, true);
    first = merge(HZ_TRY(parse_note(old.first_note)), note, false);
    if (newest == old.note && first == old.first_note) return {};
  }
  const auto done =
      state.db.exec("INSERT OR REPLACE INTO published(one, size, checkpoint, first_checkpoint) VALUES(1, ?, ?, ?)",
                    {static_cast<std::int64_t>(head.size), std::string_view(newest), std::string_view(first)});
  if (!done && done.error().reason->slug == "sql.io") stop_unsafe("publishing", done.error());
  return done;
}

}  // namespace hz::log
