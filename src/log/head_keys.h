// Which keys may sign the heads of a log. The log's own leaves name them by position, so whoever follows a log learns
// of a new key from the log itself; what such a leaf looks like is not this module's business.
//
// The simpler idea, one key per log, ends the day a log changes its key: every mirror refuses it from then on.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "log/checkpoint.h"

namespace hz::log {

// The keys that may sign a head of this size, the newest first.
using KeysAt = std::function<std::vector<NoteKey>(std::uint64_t size)>;
inline KeysAt always(NoteKey key) {
  return [key = std::move(key)](std::uint64_t) { return std::vector{key}; };
}

class HeadKeys {
 public:
  virtual ~HeadKeys() = default;
  virtual std::unique_ptr<HeadKeys> copy() const = 0;
  // The first position that was not read yet. Reading a leaf again changes nothing.
  virtual std::uint64_t next() const = 0;
  virtual void read(std::uint64_t index, ByteView leaf) = 0;
  virtual std::vector<NoteKey> at(std::uint64_t size) const = 0;
  // A leaf read so far named this key for some positions, whatever was revoked since.
  virtual bool named(const NoteKey& key) const = 0;
};

// A log that never changes its key.
std::unique_ptr<HeadKeys> one_key(NoteKey key);

struct OpenedHead {
  Checkpoint head;
  NoteKey key;  // that signed it
};
// Opens a signed head under a key that may sign heads of its size. Errors: what open_checkpoint says,
// log.note_unsigned when no key may.
Result<OpenedHead> open_head(std::string_view message, const KeysAt& keys);

}  // namespace hz::log
