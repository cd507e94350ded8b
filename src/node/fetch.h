// Brings the bytes of a release here from whoever holds them.
//
// Nobody is trusted with more than one piece at a time. Bytes are asked for in pieces, each a request of its own with a
// deadline and a size, so that a peer that lies, stops, drips or never ends costs one piece, and the next holder goes
// on where it ended. What is here when the process dies is there for the next one (blob/partial.h).
//
// The digest speaks only about the whole. When the whole is wrong and several had a part in it, nobody can be blamed:
// then everything is fetched again, each holder alone, and whoever gives a wrong whole is named. Hashes of pieces in
// the release would find the liar at once; a release has none, since nobody could add them to one that stands.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "base/http.h"
#include "base/seams.h"
#include "blob/partial.h"
#include "share/known.h"

namespace hz::node {

inline constexpr std::uint64_t piece_bytes_min = 256u << 10, piece_bytes_max = 8u << 20;

// One node that may have the bytes. The exchange holds the deadline of a piece and its greatest size.
struct Holder {
  std::string origin;
  http::Exchange exchange;
};

struct FetchFault {
  std::string holder;
  std::string fault;  // reason first
  static constexpr auto fields() {
    return rows(row("holder", &FetchFault::holder, "node that was asked"),
                row("fault", &FetchFault::fault, "what was wrong, reason first"));
  }
};

struct Want {
  Digest digest{};
  // Releases of these bytes that this member may have: a holder names the one it gives them under, and its size counts.
  std::vector<share::KnownRelease> releases;
};

struct Fetched {
  std::string releaser;           // of the release that the bytes came under; "" when nobody had to be asked
  std::vector<std::string> from;  // nodes that gave bytes, in order
  std::int64_t resumed_at = 0;    // bytes that were here already
  std::vector<FetchFault> faults;
};

// Fills the partial blob until its digest is right; it is not published yet. Faults of holders are collected and given
// with the error. Errors: node.fetch_failed when no holder is left, blob.write. Cost: the bytes once, at worst twice
// and once more for each holder that lies.
Result<Fetched> fetch(blob::Partial& partial, const Want& want, const std::vector<Holder>& holders, Progress& progress,
                      std::vector<FetchFault>& faults);

}  // namespace hz::node
