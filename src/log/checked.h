// What an earlier start-up check found sound, so that the next one reads what came since.
//
// Hashing every entry at each start costs 0.7 us an entry, for ever. The simpler ideas fail: believing the tiles alone
// lets a flipped entry be replayed; a plain "checked up to N" can be written by whoever changes an entry. So the record
// names a prefix of this very tree (size and root), is signed with the log's key, and is believed only for a head that
// extends that prefix. What it saves is one reading of all entries; that no changed byte is used does not rest on it,
// because every entry is held against its tile, and the tile up to the signed root, each time it is read (read.cc).
//
// Format: docs/formats/log.md, "Checked record".
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "log/note.h"

namespace hz::log {

struct Checked {
  std::uint64_t size = 0;
  Digest root{};
  // Positions below `size` that the log's user wants to read at each start, ascending: changes of keys.
  std::vector<std::uint64_t> landmarks = {};
  bool operator==(const Checked&) const = default;
};

// With more of them no record is kept: then a start reads everything.
inline constexpr std::size_t landmarks_max = 10'000;
// Below this size every entry is hashed at each start, whatever a record says: 15 ms.
inline constexpr std::uint64_t always_checked_max = 20'000;
// A record is written anew when so many entries were read or written since.
inline constexpr std::uint64_t checked_every = 16'384;

// The signed record of the log whose key is `key`, named by its origin.
std::string sign_checked(const Checked& checked, std::string_view origin, const crypto::SigningKey& key);
// Errors: log.note, log.note_unsigned, log.note_signature, log.checked when the text is no record of this log.
Result<Checked> open_checked(std::string_view message, const NoteKey& log_key);

}  // namespace hz::log
