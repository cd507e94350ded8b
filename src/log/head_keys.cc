#include "log/head_keys.h"

#include <limits>

#include "log/reasons.h"

namespace hz::log {
namespace {

class OneKey : public HeadKeys {
 public:
  explicit OneKey(NoteKey key) : key_(std::move(key)) {}
  std::unique_ptr<HeadKeys> copy() const override { return std::make_unique<OneKey>(key_); }
  std::uint64_t next() const override { return std::numeric_limits<std::uint64_t>::max(); }
  void read(std::uint64_t, ByteView) override {}
  std::vector<NoteKey> at(std::uint64_t) const override { return {key_}; }
  bool named(const NoteKey& key) const override { return key == key_; }

 private:
  NoteKey key_;
};

}  // namespace

std::unique_ptr<HeadKeys> one_key(NoteKey key) { return std::make_unique<OneKey>(std::move(key)); }

Result<OpenedHead> open_head(std::string_view message, const KeysAt& keys) {
  const Note note = HZ_TRY(parse_note(message));
  const Checkpoint said = HZ_TRY(parse_checkpoint(note.text));
  std::optional<Error> refused;
  for (NoteKey& key : keys(said.size)) {
    auto opened = open_checkpoint(message, key);
    if (opened) return OpenedHead{*std::move(opened), std::move(key)};
    // A signature that does not hold says more than a missing one.
    if (!refused || opened.error().reason->slug == "log.note_signature") refused = std::move(opened).error();
  }
  if (refused) return std::unexpected(*std::move(refused));
  return fail(why("log.note_unsigned"), "{}: no key may sign its heads of size {}", said.origin, said.size);
}

}  // namespace hz::log
