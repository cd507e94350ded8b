// How far the signatures of a log were checked: each is computed once, not at every rebuild of the views.
//
// Signatures (18,000 a second) cost far more than hashes; a verdict depends on the log up to the statement only, and
// the root pins that. So the verdicts stand in a small file beside the log: docs/formats/member_folder.md.
#pragma once
#include <set>

#include "base/fs.h"

namespace hz::alliance {

struct Verified {
  std::uint64_t size = 0;       // statements below are judged
  Digest root{};                // of the log at this size
  std::set<std::uint64_t> bad;  // positions below whose signature does not hold
};

inline constexpr std::size_t verified_bad_max = 10'000;
// A writer between two requests stores its verdicts when there are so many new ones.
inline constexpr std::uint64_t verified_every = 1000;

// An absent, damaged or foreign file is an empty one: checking again is never wrong.
Verified read_verified(const fs::path& path, std::string_view origin);
// Not synced: a lost file costs time only. More than verified_bad_max bad signatures are not written. Errors:
// base.write.
Result<void> write_verified(const fs::path& path, std::string_view origin, const Verified& verified);

}  // namespace hz::alliance
