#include "log/tile.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/seams.h"
#include "log/tile_edge.h"

using namespace hz;
using namespace hz::log;

TEST_CASE("tile: paths of the specification, and no tile has two of them") {
  CHECK(tile_path({false, 0, 1234067, 256}) == "tile/0/x001/x234/067");
  CHECK(tile_path({false, 1, 0, 17}) == "tile/1/000.p/17");
  CHECK(tile_path({true, 0, 273, 112}) == "tile/entries/273.p/112");
  SeededRng rng(3);
  for (int i = 0; i < 2000; ++i) {
    const TileId tile{rng.below(2) == 0, 0, rng.next() >> (2 + rng.below(60)),
                      static_cast<unsigned>(1 + rng.below(256))};
    CHECK(parse_tile_path(tile_path(tile)).value() == tile);
  }
  for (const char* bad : {"",
                          "tile",
                          "tile/",
                          "tile/0",
                          "tile/0/",
                          "/tile/0/000",
                          "tile/00/000",
                          "tile/64/000",
                          "tile/-1/000",
                          "tile/0/00",
                          "tile/0/0000",
                          "tile/0/x000/001",
                          "tile/0/x001",
                          "tile/0/001/001",
                          "tile/0/x001/01",
                          "tile/0/000.p/0",
                          "tile/0/000.p/256",
                          "tile/0/000.p/01",
                          "tile/0/000.p/",
                          "tile/0/000.p",
                          "tile/0/000/",
                          "tile/entry/000",
                          "tile/0/00a",
                          "tile/0/000.p/1/",
                          "tile/0/x999/x999/x999/x999/x999/x999/999"}) {
    INFO(bad);
    CHECK_FALSE(parse_tile_path(bad));
  }
}

TEST_CASE("tile: the sizes named in the specification are cut as it says") {
  CHECK(tiles_of(0).empty());
  const auto tiles_256 = tiles_of(256);
  REQUIRE(tiles_256.size() == 3);
  CHECK(tile_path(tiles_256[0]) == "tile/0/000");
  CHECK(tile_path(tiles_256[1]) == "tile/1/000.p/1");
  CHECK(tile_path(tiles_256[2]) == "tile/entries/000");
  std::array<int, 3> full{}, partial{};
  for (const TileId& tile : tiles_of(70000))
    if (!tile.entries) ++(tile.width == 256 ? full : partial)[tile.level];
  CHECK(full == std::array<int, 3>{273, 1, 0});
  CHECK(partial == std::array<int, 3>{1, 1, 1});
  CHECK(width_at(0, 273, 70000) == 112);
  CHECK(width_at(1, 1, 70000) == 17);
  CHECK(width_at(2, 0, 70000) == 1);
  CHECK(width_at(3, 0, 70000) == 0);
  CHECK(width_at(9, 0, INT64_MAX) == 0);
}

TEST_CASE("bundle: what was put comes back; cut, grown and miscounted ones are refused") {
  Bytes bundle;
  put_entry(bundle, as_bytes("one"));
  put_entry(bundle, Bytes(65535, 9));
  const auto entries = parse_bundle(bundle, 2).value();
  CHECK(as_text(entries[0]) == "one");
  CHECK(entries[1].size() == 65535);
  CHECK_FALSE(parse_bundle(bundle, 1));
  CHECK_FALSE(parse_bundle(bundle, 3));
  for (const std::size_t cut : {std::size_t{1}, std::size_t{4}, bundle.size() - 1})
    CHECK_FALSE(parse_bundle(ByteView(bundle).first(cut), 2));
}

TEST_CASE("tile edge: tiles and root equal a tree built without tiles, at every size to 1,100 and around 256^2") {
  std::vector<Digest> leaves;
  crypto::RightEdge plain;
  TileEdge edge;
  std::vector<std::pair<TileId, std::vector<Digest>>> tiles;
  const auto step = [&] {
    const Digest leaf = crypto::leaf_hash(as_bytes(fmt::format("{}", leaves.size())));
    leaves.push_back(leaf);
    plain.append(leaf);
    edge.append(leaf, [&](const TileId& tile, std::span<const Digest> hashes) {
      tiles.emplace_back(tile, std::vector(hashes.begin(), hashes.end()));
    });
  };
  while (leaves.size() < 65536 + 300) {
    step();
    const auto n = leaves.size();
    if (n > 1100 && (n < 65536 - 3 || n > 65536 + 3)) continue;
    REQUIRE(edge.size() == n);
    REQUIRE(edge.root() == plain.root());
    // The edge rebuilt from its partial tiles is the same edge.
    const TileEdge again(n, edge.partial());
    REQUIRE(again.root() == plain.root());
    for (unsigned level = 0; level < level_count(n); ++level)
      REQUIRE(edge.partial()[level].size() == width_at(level, hashes_at(level, n) / 256, n));
  }
  CHECK(tiles.size() == 257 + 1);
  for (const auto& [tile, hashes] : tiles) {
    REQUIRE(hashes.size() == 256);
    if (tile.level == 0) {
      REQUIRE(std::ranges::equal(hashes, std::span(leaves).subspan(tile.n * 256, 256)));
    } else {
      for (std::size_t i = 0; i < 256; ++i) REQUIRE(hashes[i] == fold(std::span(leaves).subspan(i * 256, 256)));
    }
  }
}
