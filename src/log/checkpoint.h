// C2SP tlog-checkpoint v1.0.0: the signed head of a log. Three lines: origin, size, base64 root. Extension lines are
// refused: they are neither audited by the tree nor bound by every cosignature, so whatever one would say belongs in a
// statement.
#pragma once
#include "log/note.h"

namespace hz::log {

struct Checkpoint {
  std::string origin;
  std::uint64_t size = 0;  // at most 2^63 - 1
  Digest root{};
  bool operator==(const Checkpoint&) const = default;
};

// The note text. Errors of parse: log.checkpoint.
Result<Checkpoint> parse_checkpoint(std::string_view text);
std::string format_checkpoint(const Checkpoint& checkpoint);

// A log name: a valid key name without a slash at the end, at most 255 bytes.
bool valid_origin(std::string_view origin);
// The name of a log in paths and file names: hex SHA-256 of its origin.
std::string origin_hash(std::string_view origin);

// The whole signed note of a head.
std::string sign_checkpoint(const Checkpoint& checkpoint, const crypto::SigningKey& key);
// Parses and verifies a signed note under the log's key, whose name must be the origin.
// Errors: log.note, log.checkpoint, log.checkpoint_origin, log.note_unsigned, log.note_signature.
Result<Checkpoint> open_checkpoint(std::string_view message, const NoteKey& log_key);

}  // namespace hz::log
