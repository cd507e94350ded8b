// A node whose keys changed shows the change to nodes that have not mirrored it yet.
//
// Calls between nodes are signed by the author key, and a node learns a caller's new key from the caller's log. Two
// nodes that both changed keys since they last met could never read each other's log again: each refused the other's
// first call. So whoever is refused shows, unasked and unsigned, an evidence file (evidence.h) of the newest change of
// its keys: genesis and every change, each signed by its root keys and proven under one head that its log key signed.
// Nothing else is believed, and the new key opens what the old one did until the log itself is mirrored.
//
// Signing calls by the log key instead only moves the question, since that key changes too; signing them by the root
// keys would put offline keys on a running node.
#pragma once
#include <optional>
#include <string>

#include "alliance/authority.h"
#include "alliance/member.h"

namespace hz::node {

inline constexpr std::string_view keys_path = "/keys";
inline constexpr std::size_t vouch_size_bytes_max = 256 * 1024;

struct Vouch {
  alliance::Authority authority;  // with the change
  std::uint64_t index = 0;        // where the change stands in its log
};

// The evidence of this member's newest change of keys; nullopt when there is none, or when it is too large to show.
// Errors: log.*.
Result<std::optional<std::string>> own_vouch(alliance::Member& member);
// What a file proves. Errors: as check_evidence; alliance.key_change when it is of another kind or changes nothing;
// base.too_large.
Result<Vouch> check_vouch(std::string_view text);
// It goes on from what is known of the log, whose first `mirrored` statements are here: the same genesis, no key left
// out, and a change that is not among them.
[[nodiscard]] bool goes_on(const Vouch& vouch, const alliance::Authority& known, std::uint64_t mirrored);

}  // namespace hz::node
