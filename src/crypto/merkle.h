// The RFC 6962 Merkle tree: hashes, roots, proofs, and the verifying loops of RFC 9162. Pure: nodes come from a
// function.
#pragma once
#include <functional>
#include <span>
#include <vector>

#include "base/bytes.h"

namespace hz::crypto {

Digest leaf_hash(ByteView leaf);                            // SHA-256(0x00, leaf)
Digest node_hash(const Digest& left, const Digest& right);  // SHA-256(0x01, left, right)
Digest empty_root();                                        // SHA-256 of nothing

// The full subtree over leaves [index << level, (index + 1) << level). Level 0 is a leaf hash.
struct Node {
  unsigned level;
  std::uint64_t index;
  bool operator==(const Node&) const = default;
};
// Gives the hash of a full subtree. It is asked only for nodes inside the tree at hand; its errors pass through.
using NodeSource = std::function<Result<Digest>(Node)>;

// The hash of leaves [begin, end), which must be a subtree of some RFC 6962 tree: begin a multiple of the power of two
// >= end - begin.
Result<Digest> range_hash(std::uint64_t begin, std::uint64_t end, const NodeSource& source);
Result<Digest> tree_root(std::uint64_t size, const NodeSource& source);

// Hashes from the leaf's sibling up (RFC 6962 §2.1.1). Errors: crypto.proof_range when index >= size.
Result<std::vector<Digest>> inclusion_proof(std::uint64_t index, std::uint64_t size, const NodeSource& source);
// RFC 6962 §2.1.2. Empty when the sizes are equal or the old one is 0. Errors: crypto.proof_range when old_size >
// new_size.
Result<std::vector<Digest>> consistency_proof(std::uint64_t old_size, std::uint64_t new_size, const NodeSource& source);

// RFC 9162 §2.1.3.2: exact proof length, no trailing hashes.
[[nodiscard]] bool verify_inclusion(const Digest& leaf, std::uint64_t index, std::uint64_t size,
                                    std::span<const Digest> proof, const Digest& root);
// RFC 9162 §2.1.4.2. Sizes may be equal (empty proof, equal roots); old_size 0 takes an empty proof and the empty root.
[[nodiscard]] bool verify_consistency(std::uint64_t old_size, std::uint64_t new_size, const Digest& old_root,
                                      const Digest& new_root, std::span<const Digest> proof);

// The right edge of a growing tree: one hash per set bit of its size, largest subtree first. Appends without other
// nodes.
class RightEdge {
 public:
  RightEdge() = default;
  // The edge of a tree of `size` leaves. hashes.size() must be the number of set bits of size.
  RightEdge(std::uint64_t size, std::vector<Digest> hashes);
  std::uint64_t size() const { return size_; }
  const std::vector<Digest>& hashes() const { return hashes_; }
  // `completed`, when given, is called for every full subtree of two or more leaves that this leaf finishes, smallest
  // first.
  void append(const Digest& leaf, const std::function<void(Node, const Digest&)>& completed = nullptr);
  // Appends a full subtree of 2^level leaves; size() must be a multiple of 2^level.
  void append_subtree(unsigned level, const Digest& hash);
  Digest root() const;

 private:
  std::uint64_t size_ = 0;
  std::vector<Digest> hashes_;
};

}  // namespace hz::crypto
