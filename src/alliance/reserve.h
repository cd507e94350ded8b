// Room for the last words: `reserve` in a member's folder, bytes that are given back when the disk is full.
//
// A node on a full disk can neither say what it still has to say nor start again: SQLite needs room for its
// write-ahead log before it can free any. So room is taken while there is some, as a file of real blocks (a hole would
// promise nothing), and the file goes when an append finds the disk full. It is made again when twice its size is free.
#pragma once
#include "base/fs.h"

namespace hz::alliance {

inline constexpr std::uint64_t reserve_size_bytes = 16u << 20;

enum class Reserve { there, made, no_room };
// Makes the file when it is not there and there is room. Errors: none that matter more than having no reserve.
Reserve keep_reserve(const fs::path& home);
// Gives the room back. False when there was none.
[[nodiscard]] bool release_reserve(const fs::path& home);

}  // namespace hz::alliance
