// The tree in one page.
//
// Leaves are hashed with a 0x00 byte in front, inner nodes with 0x01, so that a leaf can never pass for a node. A tree
// of n > 1 leaves splits at k, the largest power of two below n: the left part is a full tree of k leaves and the right
// part is a tree of n - k leaves by the same rule. Nothing is padded or duplicated: with padding, two different leaf
// lists share a root.
//
// So every node of every tree of that log is either a full subtree, named (level, index), which never changes again
// once its last leaf is there, or a node on the right edge, which is folded from full subtrees when needed. Full
// subtrees are therefore all that storage has to keep, and `NodeSource` is all that the proofs here ask for.
//
// The simpler idea, to keep each historical root and recompute proofs from leaves, needs all leaves for each proof; the
// next one, recursive proof verification as RFC 6962 words it, accepts proofs of several lengths if written carelessly.
// The loops of RFC 9162 walk the bits of the index and refuse a proof that is one hash too short or too long.
#include "crypto/merkle.h"

#include <bit>

#include "crypto/hash.h"
#include "crypto/reasons.h"

namespace hz::crypto {

Digest leaf_hash(ByteView leaf) {
  constexpr std::uint8_t mark[] = {0};
  return sha256({ByteView(mark), leaf});
}

Digest node_hash(const Digest& left, const Digest& right) {
  std::array<std::uint8_t, 65> bytes;
  bytes[0] = 1;
  std::copy(left.begin(), left.end(), bytes.begin() + 1);
  std::copy(right.begin(), right.end(), bytes.begin() + 33);
  return sha256(ByteView(bytes));
}

Digest empty_root() { return sha256(ByteView()); }

Result<Digest> range_hash(std::uint64_t begin, std::uint64_t end, const NodeSource& source) {
  HZ_ASSERT(begin < end);
  const std::uint64_t count = end - begin;
  HZ_ASSERT(begin % std::bit_ceil(count) == 0);
  if (std::has_single_bit(count)) {
    const auto level = static_cast<unsigned>(std::countr_zero(count));
    return source({level, begin >> level});
  }
  const std::uint64_t split = begin + std::bit_floor(count);
  const Digest left = HZ_TRY(range_hash(begin, split, source));
  const Digest right = HZ_TRY(range_hash(split, end, source));
  return node_hash(left, right);
}

Result<Digest> tree_root(std::uint64_t size, const NodeSource& source) {
  if (size == 0) return empty_root();
  return range_hash(0, size, source);
}

Result<std::vector<Digest>> inclusion_proof(std::uint64_t index, std::uint64_t size, const NodeSource& source) {
  if (index >= size) return fail(why("crypto.proof_range"), "index {} in a tree of {}", index, size);
  std::vector<Digest> proof;
  // From the root down, the sibling of the part that holds the leaf; then turned round.
  std::uint64_t begin = 0, end = size;
  while (end - begin > 1) {
    const std::uint64_t split = begin + std::bit_ceil(end - begin) / 2;
    if (index < split) {
      proof.push_back(HZ_TRY(range_hash(split, end, source)));
      end = split;
    } else {
      proof.push_back(HZ_TRY(range_hash(begin, split, source)));
      begin = split;
    }
  }
  std::reverse(proof.begin(), proof.end());
  return proof;
}

Result<std::vector<Digest>> consistency_proof(std::uint64_t old_size, std::uint64_t new_size,
                                              const NodeSource& source) {
  if (old_size > new_size) return fail(why("crypto.proof_range"), "old size {} above new size {}", old_size, new_size);
  std::vector<Digest> proof;
  if (old_size == 0 || old_size == new_size) return proof;
  // Down from the root towards the node where the old tree ends. While the walk has only gone left, the node reached
  // last is the old root itself, which the verifier has already.
  std::uint64_t begin = 0, end = new_size;
  while (end != old_size) {
    const std::uint64_t split = begin + std::bit_ceil(end - begin) / 2;
    if (old_size <= split) {
      proof.push_back(HZ_TRY(range_hash(split, end, source)));
      end = split;
    } else {
      proof.push_back(HZ_TRY(range_hash(begin, split, source)));
      begin = split;
    }
  }
  if (begin != 0) proof.push_back(HZ_TRY(range_hash(begin, end, source)));
  std::reverse(proof.begin(), proof.end());
  return proof;
}

bool verify_inclusion(const Digest& leaf, std::uint64_t index, std::uint64_t size, std::span<const Digest> proof,
                      const Digest& root) {
  if (index >= size) return false;
  std::uint64_t node = index, last = size - 1;
  Digest hash = leaf;
  for (const Digest& sibling : proof) {
    if (last == 0) return false;
    if ((node & 1) == 1 || node == last) {
      hash = node_hash(sibling, hash);
      while ((node & 1) == 0 && node != 0) {
        node >>= 1;
        last >>= 1;
      }
    } else {
      hash = node_hash(hash, sibling);
    }
    node >>= 1;
    last >>= 1;
  }
  return last == 0 && hash == root;
}

bool verify_consistency(std::uint64_t old_size, std::uint64_t new_size, const Digest& old_root, const Digest& new_root,
                        std::span<const Digest> proof) {
  if (old_size > new_size) return false;
  if (old_size == new_size) return proof.empty() && old_root == new_root;
  if (old_size == 0) return proof.empty() && old_root == empty_root();
  if (proof.empty()) return false;
  std::uint64_t node = old_size - 1, last = new_size - 1;
  while ((node & 1) == 1) {
    node >>= 1;
    last >>= 1;
  }
  // A full old tree is a node of the new one: the proof leaves it out.
  const bool whole = std::has_single_bit(old_size);
  Digest old_hash = whole ? old_root : proof[0];
  Digest new_hash = old_hash;
  for (const Digest& sibling : proof.subspan(whole ? 0 : 1)) {
    if (last == 0) return false;
    if ((node & 1) == 1 || node == last) {
      old_hash = node_hash(sibling, old_hash);
      new_hash = node_hash(sibling, new_hash);
      while ((node & 1) == 0 && node != 0) {
        node >>= 1;
        last >>= 1;
      }
    } else {
      new_hash = node_hash(new_hash, sibling);
    }
    node >>= 1;
    last >>= 1;
  }
  return last == 0 && old_hash == old_root && new_hash == new_root;
}

RightEdge::RightEdge(std::uint64_t size, std::vector<Digest> hashes) : size_(size), hashes_(std::move(hashes)) {
  HZ_ASSERT(hashes_.size() == static_cast<std::size_t>(std::popcount(size_)));
}

void RightEdge::append(const Digest& leaf, const std::function<void(Node, const Digest&)>& completed) {
  Digest hash = leaf;
  unsigned level = 0;
  for (std::uint64_t n = size_; (n & 1) == 1; n >>= 1) {
    hash = node_hash(hashes_.back(), hash);
    hashes_.pop_back();
    ++level;
    if (completed) completed({level, size_ >> level}, hash);
  }
  hashes_.push_back(hash);
  ++size_;
}

void RightEdge::append_subtree(unsigned level, const Digest& subtree) {
  HZ_ASSERT(level < 64 && (size_ & ((std::uint64_t{1} << level) - 1)) == 0);
  Digest hash = subtree;
  for (std::uint64_t n = size_ >> level; (n & 1) == 1; n >>= 1) {
    hash = node_hash(hashes_.back(), hash);
    hashes_.pop_back();
  }
  hashes_.push_back(hash);
  size_ += std::uint64_t{1} << level;
}

Digest RightEdge::root() const {
  if (hashes_.empty()) return empty_root();
  Digest hash = hashes_.back();
  for (auto it = hashes_.rbegin() + 1; it != hashes_.rend(); ++it) hash = node_hash(*it, hash);
  return hash;
}

}  // namespace hz::crypto
