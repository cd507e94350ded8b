// Fetches sealed bodies that may be for this member, from their authors or whoever else has them.
//
// A body travels apart from its statement, so that it can be deleted. A node asks for blobs by digest, as for released
// bytes, and gets the same nothing for a body that is not there and for one that is for others. It asks where the class
// names it or leaves it open (a group's readers are known to its owner only), a few a round.
#pragma once
#include <optional>
#include <vector>

#include "node/contact.h"

namespace hz::node {

inline constexpr std::size_t bodies_per_round_max = 64;

// Stores what it gets and tells the member, whose views then have their rows. What a node does not give, or gives
// wrong, is asked for again in another round. exchanges[i] belongs to known[i]. How many came. Errors: of this machine.
Result<std::size_t> fetch_bodies(alliance::Member& member, const std::vector<Contact>& known,
                                 const std::vector<std::optional<http::Exchange>>& exchanges);

}  // namespace hz::node
