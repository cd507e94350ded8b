#include "log/stored_tile.h"

namespace hz::log {
namespace {
std::int64_t column(std::uint64_t n) { return static_cast<std::int64_t>(n); }
}  // namespace

Result<Bytes> stored_tile(sql::Db& db, unsigned level, std::uint64_t n, unsigned width) {
  Bytes out;
  // First the tail: a writer that completes the tile between the two queries has put its row by then.
  if (level == 0 && width < tile_width) {
    std::uint64_t next = n * tile_width;
    HZ_TRY(db.query("SELECT idx, hash FROM tail WHERE idx >= ? AND idx < ? ORDER BY idx",
                    {column(next), column(next + width)}, [&](const sql::Row& row) {
                      if (row.integer(0) != column(next) || row.blob(1).size() != Digest{}.size()) return false;
                      ++next;
                      put(out, row.blob(1));
                      return true;
                    }));
    if (out.size() == std::size_t{width} * 32) return out;
  }
  HZ_TRY(db.query("SELECT hashes FROM tile WHERE level = ? AND n = ?", {std::int64_t{level}, column(n)},
                  [&](const sql::Row& row) {
                    const ByteView hashes = row.blob(0).first(std::min<std::size_t>(row.blob(0).size(), width * 32));
                    if (hashes.size() % 32 == 0) out.assign(hashes.begin(), hashes.end());
                    return false;
                  }));
  return out;
}

Result<void> put_tile(sql::Db& db, const TileId& tile, ByteView hashes) {
  return db.exec(
      "INSERT INTO tile(level, n, hashes) VALUES(?, ?, ?) ON CONFLICT DO UPDATE SET hashes = excluded.hashes",
      {std::int64_t{tile.level}, column(tile.n), hashes});
}

Result<void> put_tail(sql::Db& db, std::uint64_t begin, ByteView hashes) {
  for (std::size_t i = 0; i < hashes.size() / 32; ++i)
    HZ_TRY(db.exec("INSERT INTO tail(idx, hash) VALUES(?, ?) ON CONFLICT DO UPDATE SET hash = excluded.hash",
                   {column(begin + i), hashes.subspan(i * 32, 32)}));
  return {};
}

Result<void> put_partial(sql::Db& db, std::uint64_t old_size, const TileEdge& grown) {
  const std::uint64_t size = grown.size();
  if (size == old_size) return {};
  const std::uint64_t begin = size / tile_width * tile_width;
  if (begin > old_size / tile_width * tile_width) HZ_TRY(db.exec("DELETE FROM tail WHERE idx < ?", {column(begin)}));
  const std::uint64_t from = std::max(begin, old_size);
  HZ_TRY(put_tail(db, from, tile_bytes(std::span(grown.partial()[0]).subspan(from - begin))));
  for (unsigned level = 1; level < grown.partial().size(); ++level) {
    const auto& hashes = grown.partial()[level];
    // It changes only when a tile below was completed.
    if (hashes.empty() || hashes_at(level, size) == hashes_at(level, old_size)) continue;
    HZ_TRY(put_tile(db, {false, level, hashes_at(level, size) / tile_width, static_cast<unsigned>(hashes.size())},
                    tile_bytes(hashes)));
  }
  return {};
}

Result<std::optional<std::vector<std::vector<Digest>>>> stored_partial(sql::Db& db, std::uint64_t size) {
  std::vector<std::vector<Digest>> out;
  for (unsigned level = 0; level < level_count(size); ++level) {
    const std::uint64_t n = hashes_at(level, size) / tile_width;
    const unsigned width = width_at(level, n, size);
    auto& hashes = out.emplace_back();
    if (width == 0) continue;
    const Bytes bytes = HZ_TRY(stored_tile(db, level, n, width));
    if (bytes.size() != std::size_t{width} * 32) return std::nullopt;
    hashes = tile_hashes(bytes);
  }
  return std::optional(std::move(out));
}

}  // namespace hz::log
