// A disk that can lose power: what was written and not synced may be there, be gone, or be torn after a cut.
//
// The obvious shim is a SQLite VFS; but the mark, the keys and the blobs are plain files, and it is the order between
// them and the database that has to be right. So the shim sits one floor lower, under everything: power_disk.cc defines
// the libc calls that write and sync (pwrite, write, ftruncate, fsync, fdatasync, syncfs), and SQLite's own VFS calls
// them too.
//
//   file     content at its last sync, and the writes since then in order
//   folder   the names at its last sync; later ones are compared when the power goes
//   cut      any subset of those writes arrives, in any order where they overlap, each whole or some of its 512-byte
//            sectors; each new, changed or removed name arrives or does not
//
// After the cut the folder is written anew as a machine would find it, and the process ends with 137.
#pragma once
#include <cstdint>

#include "base/fs.h"

namespace hz::fault {

// From here on the calls below `root` are recorded; the power goes before call number `cut` (from 0). One per process.
void power_on(const fs::path& root, std::uint64_t seed, std::uint64_t cut);
// The power goes now.
[[noreturn]] void power_off();
// Calls recorded since power_on.
std::uint64_t power_calls();

}  // namespace hz::fault
