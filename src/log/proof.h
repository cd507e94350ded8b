// C2SP tlog-proof v1: one text file that proves, offline, that a leaf stands in a log. We put the leaf itself into the
// `extra` line, which others treat as opaque: the file is then all the evidence there is. `extra` is believed only
// because its leaf hash leads to the signed root.
#pragma once
#include "log/checkpoint.h"

namespace hz::log {

struct Proof {
  Bytes extra;  // the leaf, in our files; empty means the line is left out
  std::uint64_t index = 0;
  std::vector<Digest> path;  // from the leaf's sibling to the root's child
  std::string checkpoint;    // the signed note, verbatim
  bool operator==(const Proof&) const = default;
};

inline constexpr std::size_t proof_size_bytes_max = 2'000'000;

// Errors of parse: log.proof_syntax (names the line), log.note, base.too_large.
Result<Proof> parse_proof(std::string_view text);
std::string format_proof(const Proof& proof);

struct Proven {
  Bytes leaf;
  std::uint64_t index;
  Checkpoint checkpoint;
};
// Checks the leaf against the root that `log_key` signed. Says nothing about witnesses: verify_note of the checkpoint
// does. Errors: log.proof_leaf, log.proof_wrong, and what open_checkpoint says.
Result<Proven> verify_proof(const Proof& proof, const NoteKey& log_key);
// The same for a leaf that travels beside the proof.
Result<Proven> verify_proof(const Proof& proof, ByteView leaf, const NoteKey& log_key);

}  // namespace hz::log
