// The growing end of a tile tree: the partial tile of every level, in memory.
#pragma once
#include <functional>
#include <vector>

#include "crypto/merkle.h"
#include "log/tile.h"

namespace hz::log {

class TileEdge {
 public:
  TileEdge() = default;
  // From the stored partial tiles, level 0 first; partial[l].size() must be width_at(l, last, size). Cost: 255 hashes a
  // level.
  TileEdge(std::uint64_t size, std::vector<std::vector<Digest>> partial);

  std::uint64_t size() const { return edge_.size(); }
  Digest root() const { return edge_.root(); }
  // The full subtrees that make up the tree, largest first.
  const crypto::RightEdge& subtrees() const { return edge_; }
  // Hashes of the partial tile of each level; a level may be empty.
  const std::vector<std::vector<Digest>>& partial() const { return partial_; }
  // `full` is called for each tile that this leaf completes, lowest level first. Cost: two hashes on average.
  void append(const Digest& leaf, const std::function<void(const TileId&, std::span<const Digest>)>& full);

 private:
  crypto::RightEdge edge_;
  std::vector<std::vector<Digest>> partial_;
};

// The root of a full subtree over hashes.size() (a power of two) equal subtrees.
Digest fold(std::span<const Digest> hashes);

// Hashes to and from the bytes of a tile.
Bytes tile_bytes(std::span<const Digest> hashes);
std::vector<Digest> tile_hashes(ByteView bytes);  // bytes.size() must be a multiple of 32

}  // namespace hz::log
