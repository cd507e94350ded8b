// Fetches sealed bodies that may be for this member, from their authors or whoever else has them.
//
// A body travels apart from its statement, so that it can be deleted. A node asks for blobs by digest, as for released
// bytes, and gets the same nothing for a body that is not there and for one that is for others. It asks where the class
// names it or leaves it open (a group's readers are known to its owner only), all nodes at once.
//
// Views are replayed in order, so a body that comes after its statement was replayed means replaying everything
// (docs/decisions/0088). Hence two ways. Ahead: what a round mirrored is looked through before anybody replays it, and
// its bodies are fetched first; replay then finds them, and costs nothing extra. Late, because it was not to be had
// then or was given to this member later: fetched in bulk, and seldom enough that replaying takes a twentieth of one
// core at most. Views taken at a point before the oldest missing body would make late ones cheap too, at the price of
// copies of the views: not needed so far.
#pragma once
#include <map>
#include <optional>
#include <vector>

#include "log/cosign_round.h"
#include "node/contact.h"

namespace hz::node {

inline constexpr std::size_t bodies_ahead_max = 1024, bodies_late_max = 1024;  // blobs a round
inline constexpr std::size_t bodies_bytes_max = 64u << 20;                     // after so many no further node is asked
inline constexpr std::size_t asked_at_once_max = 8;                            // nodes
inline constexpr std::uint64_t replay_us_per_statement = 30, late_share = 20;

// How far the views go when a round begins.
struct BodiesRound {
  std::map<std::string, std::uint64_t> replayed;  // by origin
};
// Before anything is mirrored. Errors: sql.*.
Result<BodiesRound> begin_bodies(alliance::Member& member);

// Stores what it gets; views that were replayed without it are replayed at the next call. What a node does not give, or
// gives wrong, is asked for again in another round. exchanges[i] belongs to known[i]. How many came. Errors: of this
// machine.
Result<std::size_t> fetch_bodies(alliance::Member& member, const BodiesRound& round, const std::vector<Contact>& known,
                                 const std::vector<std::optional<http::Exchange>>& exchanges,
                                 const log::RunAll& run_all);

}  // namespace hz::node
