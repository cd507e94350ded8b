#include "log/tile_edge.h"

#include <bit>

namespace hz::log {

TileEdge::TileEdge(std::uint64_t size, std::vector<std::vector<Digest>> partial) : partial_(std::move(partial)) {
  HZ_ASSERT(partial_.size() == level_count(size));
  for (auto level = partial_.size(); level-- > 0;) {
    const auto l = static_cast<unsigned>(level);
    HZ_ASSERT(partial_[level].size() == width_at(l, hashes_at(l, size) / tile_width, size));
    for (const Digest& hash : partial_[level]) edge_.append_subtree(8 * l, hash);
  }
  HZ_ASSERT(edge_.size() == size);
}

void TileEdge::append(const Digest& leaf, const std::function<void(const TileId&, std::span<const Digest>)>& full) {
  if (partial_.empty()) partial_.resize(1);
  partial_[0].push_back(leaf);
  edge_.append(leaf, [&](crypto::Node node, const Digest& hash) {
    if (node.level % 8 != 0) return;
    const unsigned below = node.level / 8 - 1;
    full({false, below, node.index, tile_width}, partial_[below]);
    partial_[below].clear();
    if (partial_.size() == below + 1) partial_.emplace_back();
    partial_[below + 1].push_back(hash);
  });
}

Digest fold(std::span<const Digest> hashes) {
  HZ_ASSERT(std::has_single_bit(hashes.size()));
  if (hashes.size() == 1) return hashes[0];
  std::vector<Digest> row(hashes.size() / 2);
  for (std::size_t i = 0; i < row.size(); ++i) row[i] = crypto::node_hash(hashes[2 * i], hashes[2 * i + 1]);
  for (std::size_t n = row.size() / 2; n > 0; n /= 2)
    for (std::size_t i = 0; i < n; ++i) row[i] = crypto::node_hash(row[2 * i], row[2 * i + 1]);
  return row[0];
}

Bytes tile_bytes(std::span<const Digest> hashes) {
  Bytes out;
  out.reserve(hashes.size() * 32);
  for (const Digest& hash : hashes) put(out, hash);
  return out;
}

std::vector<Digest> tile_hashes(ByteView bytes) {
  HZ_ASSERT(bytes.size() % 32 == 0);
  std::vector<Digest> out(bytes.size() / 32);
  for (std::size_t i = 0; i < out.size(); ++i)
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(i * 32), 32, out[i].begin());
  return out;
}

}  // namespace hz::log
