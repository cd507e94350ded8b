// C2SP tlog-tiles: how the tree's nodes and entries are cut into immutable files. Drawn in docs/formats/log.md.
//
// Tile n of level l holds the hashes of the full subtrees (8l, n*256 + i), i = 0..255: leaf hashes at level 0, and
// above it the root of one full tile of the level below per hash. Only the last tile of a level may be partial (width 1
// to 255).
#pragma once
#include <string>
#include <vector>

#include "base/bytes.h"

namespace hz::log {

inline constexpr unsigned tile_width = 256;
inline constexpr std::size_t tile_size_bytes = tile_width * 32;
inline constexpr std::size_t entry_size_bytes_max = 65535;

struct TileId {
  bool entries = false;  // an entry bundle (then level is 0), not a hash tile
  unsigned level = 0;    // 0 to 63
  std::uint64_t n = 0;
  unsigned width = tile_width;
  bool operator==(const TileId&) const = default;
};

// "tile/0/x001/234/067", "tile/1/000.p/17", "tile/entries/000.p/3". One path per tile. Errors of parse: log.tile_path.
std::string tile_path(const TileId& tile);
Result<TileId> parse_tile_path(std::string_view path);

// Hashes in level l of a tree of `size`: floor(size / 256^l).
std::uint64_t hashes_at(unsigned level, std::uint64_t size);
// Levels with at least one hash: 0 for the empty tree, 2 for 256 leaves.
unsigned level_count(std::uint64_t size);
// Width of tile n of a level in a tree of `size`; 0 when there is none.
unsigned width_at(unsigned level, std::uint64_t n, std::uint64_t size);
// Every hash tile of a tree, then every bundle; a partial one for each level that has one.
std::vector<TileId> tiles_of(std::uint64_t size);

// Entry bundle: u16 big-endian length and bytes, repeated. parse: exactly `width` entries and nothing after;
// log.bundle.
void put_entry(Bytes& bundle, ByteView leaf);
Result<std::vector<ByteView>> parse_bundle(ByteView bundle, unsigned width);

}  // namespace hz::log
