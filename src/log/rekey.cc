// A new key for the same log.
//
// The head in between carries both signatures, so that whoever knows either key accepts it. The mark gets it first: a
// crash before the transaction leaves the old key with a mark it can read, one after it the new key likewise.
#include "log/reasons.h"
#include "log/state.h"

namespace hz::log {

Result<void> Log::rekey(crypto::SigningKey key) {
  State& state = *state_;
  if (!state.may_write()) return fail(why("log.read_only"), "{}", state.folder.string());
  const NoteKey next{state.note_key.name, KeyType::ed25519, key.verifying_key()};
  if (next == state.note_key) return {};
  const Checkpoint head{state.note_key.name, state.head.size, state.head.root};
  Note both = HZ_TRY(parse_note(sign_checkpoint(head, key)));
  both.signatures.push_back(sign_note(both.text, state.note_key.name, *state.key));
  const std::string checkpoint = format_note(both);
  HZ_TRY(open_checkpoint(checkpoint, next));
  HZ_TRY(open_checkpoint(checkpoint, state.note_key));
  HZ_TRY(state.mark->advance(checkpoint));
  HZ_TRY(state.db.transaction([&]() -> Result<void> {
    HZ_TRY(state.db.exec("UPDATE log SET vkey = ? WHERE one = 1", {std::string_view(format_vkey(next))}));
    return state.db.exec("UPDATE head SET checkpoint = ? WHERE one = 1", {std::string_view(checkpoint)});
  }));
  state.note_key = next;
  state.vkey = format_vkey(next);
  state.key = std::move(key);
  state.checkpoint = checkpoint;
  return {};
}

}  // namespace hz::log
