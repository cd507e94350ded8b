// Reading a whole log at a bounded rate, and putting right what is damaged.
//
// Bytes rot where nobody reads them. A scrub reads every entry and tile and holds them against each other and the
// signed head (check.cc names the guilty one). A damaged log cannot be opened, so both functions here work on the
// folder.
//
// Repair. Tiles follow from entries; only entries have to come from somewhere else, as bundles from mirrors. No bundle
// is believed: the tree is grown anew from all entries, stored and fetched, and only when its root is the signed one
// does one transaction write what differs. The simpler idea, to accept a bundle that fits the stored tile, fails when
// the tile is what was damaged.
#pragma once
#include <functional>
#include <span>

#include "log/store.h"

namespace hz::log {

// Called with the size of what is read next; may wait.
using Pace = std::function<void(std::uint64_t bytes)>;

struct Scrubbed {
  std::string origin;
  Head head;
  Findings findings;
  std::uint64_t size_bytes = 0;  // that were read
};
// An own or a mirrored log. Errors: log.missing, log.mirror_empty, log.head_corrupt when there is no head to hold
// things against, sql.* when the file itself is broken; then only restoring it from a backup or a mirror helps.
using IdentifyOf = std::function<Result<Identity>(std::string_view origin, ByteView leaf)>;
Result<Scrubbed> scrub(const fs::path& folder, const Pace& pace, const IdentifyOf& identify, Progress& progress);

// Entries of a bundle from one server of the same log.
using GetBundle = std::function<Result<std::vector<Bytes>>(std::uint64_t n, unsigned width)>;
struct Repaired {
  std::uint64_t entries = 0, tiles = 0;  // written anew
  std::vector<Error> refused;            // servers that gave something else
};
// Fetches these bundles, from the first source whose entries fit what is stored around them, and writes entries, ids
// and tiles that differ, in one transaction under the log's lock. Nothing is written unless everything leads to the
// signed root. Errors: log.repair when it does not, or no source has a bundle; log.locked; log.head_corrupt; sql.*.
Result<Repaired> repair(const fs::path& folder, std::span<const std::uint64_t> bundles,
                        std::span<const GetBundle> sources, const Identify& identify, Progress& progress);

}  // namespace hz::log
