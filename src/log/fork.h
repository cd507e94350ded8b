// Transferable evidence that a log signed two heads which cannot both be true. Format: docs/formats/log.md.
//
// Two heads of one size with different roots need no more than both notes. Heads A (n1, r1) and B (n2, r2), n1 < n2,
// need a third thing: a root r' other than r1 and a valid consistency proof from (n1, r') to B. That proof shows that
// the tree B signed has r' as its first n1 leaves; A said r1; SHA-256 does not let both hold. Whoever checks it needs
// the log's key and nothing else: no network, no trust in who found it.
#pragma once
#include <optional>

#include "crypto/merkle.h"
#include "log/head_keys.h"

namespace hz::log {

struct Fork {
  std::string first, second;  // signed notes, the smaller size first, each with the log's signature line only
  Digest first_root{};        // r': what the second head says the first n1 leaves are; unused when the sizes are equal
  std::vector<Digest> path;   // consistency proof from (n1, r') to the second head
  bool operator==(const Fork&) const = default;
};

inline constexpr std::size_t fork_size_bytes_max = 16 * 1024;

// One text, one value. Errors of parse: log.fork_syntax (names the line), log.note, log.checkpoint, base.too_large.
Result<Fork> parse_fork(std::string_view text);
std::string format_fork(const Fork& fork);

struct Forked {
  Checkpoint first, second;
};
// Errors: log.fork_unproven when the two heads may both be true, and what open_checkpoint says.
// The two heads may be under different keys: each under one that may sign heads of its size. So a stolen key that was
// changed since accuses nobody by a head beyond its time.
Result<Forked> verify_fork(const Fork& fork, const KeysAt& keys);
Result<Forked> verify_fork(const Fork& fork, const NoteKey& log_key);

// The evidence, when there is any. `second_tree` gives nodes of the tree that the larger note signs (a mirror, or tiles
// of the server that serves it); it is not believed: errors log.fork_source when it does not lead to the signed root.
// Not called when the sizes are equal. nullopt: the heads agree. The notes may come in either order.
Result<std::optional<Fork>> find_fork(std::string_view one, std::string_view other, const KeysAt& keys,
                                      const crypto::NodeSource& second_tree);
Result<std::optional<Fork>> find_fork(std::string_view one, std::string_view other, const NoteKey& log_key,
                                      const crypto::NodeSource& second_tree);

}  // namespace hz::log
