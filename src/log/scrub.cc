#include "log/scrub.h"

#include <algorithm>
#include <set>

#include "log/reasons.h"
#include "log/state.h"
#include "log/stored_tile.h"

namespace hz::log {
namespace {

std::int64_t column(std::uint64_t n) { return static_cast<std::int64_t>(n); }

struct Signed {
  NoteKey key;
  Head head;
};
// The head that the log's key signed, whatever the rest of the file looks like.
Result<Signed> signed_head(sql::Db& db, const fs::path& folder) {
  Signed out{HZ_TRY(stored_key(db, folder)), {}};
  const auto note = HZ_TRY(db.text("SELECT checkpoint FROM head WHERE one = 1"));
  if (!note && HZ_TRY(db.integer("SELECT count(*) FROM mirror")).value_or(0) > 0)
    return fail(why("log.mirror_empty"), "{}", folder.string());
  if (!note) return fail(why("log.head_corrupt"), "{}: the head row is missing", folder.string());
  const auto head = open_checkpoint(*note, out.key);
  if (!head) return fail(why("log.head_corrupt"), "{}: checkpoint: {}", folder.string(), head.error().text());
  out.head = {head->size, head->root};
  Head stored;
  HZ_TRY(db.query("SELECT size, root FROM head WHERE one = 1", {}, [&](const sql::Row& row) {
    stored.size = static_cast<std::uint64_t>(row.integer(0));
    if (row.blob(1).size() == 32) std::copy_n(row.blob(1).begin(), 32, stored.root.begin());
    return false;
  }));
  if (stored != out.head)
    return fail(why("log.head_corrupt"), "{}: the head row says size {}, the checkpoint size {}", folder.string(),
                stored.size, out.head.size);
  return out;
}

Result<std::vector<Bytes>> stored_entries(sql::Db& db, std::uint64_t n, unsigned width) {
  std::vector<Bytes> out;
  std::uint64_t next = n * tile_width;
  HZ_TRY(db.query("SELECT idx, leaf FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx",
                  {column(next), column(next + width)}, [&](const sql::Row& row) {
                    if (row.integer(0) != column(next)) return false;
                    ++next;
                    const ByteView leaf = row.blob(1);
                    out.emplace_back(leaf.begin(), leaf.end());
                    return true;
                  }));
  if (out.size() != width) return fail(why("log.repair"), "entry {} is missing", next);
  return out;
}

std::vector<Digest> hashes_of(const std::vector<Bytes>& entries) {
  std::vector<Digest> out;
  for (const Bytes& entry : entries) out.push_back(crypto::leaf_hash(entry));
  return out;
}

// The bundle agrees with the tile over it, or with the hash that stands for that tile one level up.
Result<bool> fits(sql::Db& db, std::uint64_t n, const std::vector<Digest>& hashes) {
  if (HZ_TRY(stored_tile(db, 0, n, static_cast<unsigned>(hashes.size()))) == tile_bytes(hashes)) return true;
  if (hashes.size() != tile_width) return false;
  const std::size_t at = n % tile_width * 32;
  const Bytes parent = HZ_TRY(stored_tile(db, 1, n / tile_width, static_cast<unsigned>(n % tile_width + 1)));
  const Digest folded = fold(hashes);
  return parent.size() >= at + 32 && std::equal(folded.begin(), folded.end(), parent.begin() + column(at));
}

Result<std::vector<Bytes>> fetch(sql::Db& db, std::uint64_t n, unsigned width, std::span<const GetBundle> sources,
                                 std::vector<Error>& refused) {
  std::optional<std::vector<Bytes>> candidate;
  for (const GetBundle& source : sources) {
    auto entries = source(n, width);
    if (!entries) {
      refused.push_back(std::move(entries).error());
      continue;
    }
    if (entries->size() != width) continue;
    if (HZ_TRY(fits(db, n, hashes_of(*entries)))) return entries;
    // The tile may be the damaged one; the root decides.
    if (!candidate) candidate = *std::move(entries);
  }
  if (!candidate)
    return fail(why("log.repair"), "no source has the entries {} to {}", n * tile_width, n * tile_width + width - 1);
  return *std::move(candidate);
}

}  // namespace

Result<Scrubbed> scrub(const fs::path& folder, const Pace& pace, const IdentifyOf& identify, Progress& progress) {
  if (!fs::exists(folder / "log.db")) return fail(why("log.missing"), "{}", folder.string());
  const Signed found = HZ_TRY([&]() -> Result<Signed> {
    sql::Db db = HZ_TRY(open_db(folder, sql::Mode::reader));
    return signed_head(db, folder);
  }());
  Scrubbed out{found.key.name, found.head, {}, 0};
  const Pace counted = [&](std::uint64_t bytes) {
    out.size_bytes += bytes;
    if (pace) pace(bytes);
  };
  out.findings = HZ_TRY(recompute_log(
      folder / "log.db", found.head, Check::leaves, progress, [&](ByteView leaf) { return identify(out.origin, leaf); },
      counted));
  for (unsigned level = 0; level < level_count(found.head.size); ++level)
    out.findings.tiles += (hashes_at(level, found.head.size) + tile_width - 1) / tile_width;
  return out;
}

Result<Repaired> repair(const fs::path& folder, std::span<const std::uint64_t> bundles,
                        std::span<const GetBundle> sources, const Identify& identify, Progress& progress) {
  const Fd lock = HZ_TRY(lock_writer(folder));
  sql::Db db = HZ_TRY(open_db(folder, sql::Mode::writer));
  const Signed found = HZ_TRY(signed_head(db, folder));
  const std::uint64_t size = found.head.size, count = (size + tile_width - 1) / tile_width;
  Repaired out;
  struct Row {
    std::uint64_t index;
    Bytes leaf;
  };
  std::vector<Row> entries;
  std::vector<std::pair<TileId, Bytes>> tiles;
  Result<void> failed;
  const auto compare = [&](const TileId& tile, std::span<const Digest> hashes) {
    Bytes right = tile_bytes(hashes);
    const auto stored = stored_tile(db, tile.level, tile.n, tile.width);
    if (!stored) failed = std::unexpected(stored.error());
    if (!stored || *stored != right) tiles.emplace_back(tile, std::move(right));
  };
  const auto grow = [&](const std::set<std::uint64_t>& fetched) -> Result<Digest> {
    progress.phase("growing the tree anew", column(size));
    entries.clear();
    tiles.clear();
    TileEdge edge;
    for (std::uint64_t n = 0; n < count; ++n) {
      const unsigned width = width_at(0, n, size);
      const bool fetch_it = fetched.contains(n);
      auto leaves = fetch_it ? HZ_TRY(fetch(db, n, width, sources, out.refused)) : HZ_TRY(stored_entries(db, n, width));
      for (std::size_t i = 0; i < leaves.size(); ++i) {
        edge.append(crypto::leaf_hash(leaves[i]), compare);
        HZ_TRY(failed);
        if (fetch_it) entries.push_back({n * tile_width + i, std::move(leaves[i])});
      }
      progress.step(column(edge.size()));
    }
    for (unsigned level = 0; level < edge.partial().size(); ++level)
      if (const auto& hashes = edge.partial()[level]; !hashes.empty())
        compare({false, level, hashes_at(level, size) / tile_width, static_cast<unsigned>(hashes.size())}, hashes);
    HZ_TRY(failed);
    return edge.root();
  };
  std::set<std::uint64_t> fetched(bundles.begin(), bundles.end());
  Digest root = HZ_TRY(grow(fetched));
  if (root != found.head.root) {
    // Where a tile is gone, nothing said that the entries below it are wrong: they are fetched too.
    for (std::uint64_t n = 0; n < count; ++n)
      if (!fetched.contains(n) && !HZ_TRY(fits(db, n, hashes_of(HZ_TRY(stored_entries(db, n, width_at(0, n, size)))))))
        fetched.insert(n);
    root = HZ_TRY(grow(fetched));
  }
  if (root != found.head.root)
    return fail(why("log.repair"), "{}: the entries lead to root {}, the signed head says {}", folder.string(),
                hex(root), hex(found.head.root));
  HZ_TRY(db.transaction([&]() -> Result<void> {
    // Ids first away, then right: a flipped one may stand where another belongs.
    for (const Row& row : entries) HZ_TRY(db.exec("DELETE FROM entry WHERE idx = ?", {column(row.index)}));
    for (const Row& row : entries) {
      const Identity identity = HZ_TRY(identify(row.leaf));
      HZ_TRY(db.exec("INSERT INTO entry(idx, id, idem, leaf) VALUES(?, ?, ?, ?)",
                     {column(row.index), ByteView(identity.id), ByteView(identity.idem), ByteView(row.leaf)}));
    }
    for (const auto& [tile, bytes] : tiles) {
      const bool last = tile.level == 0 && tile.width < tile_width;
      HZ_TRY(last ? put_tail(db, tile.n * tile_width, bytes) : put_tile(db, tile, bytes));
    }
    HZ_TRY(db.exec("UPDATE repaired SET count = count + 1"));
    return rebuild_places(db, HZ_TRY(stored_size(db)));
  }));
  out.entries = entries.size();
  out.tiles = tiles.size();
  return out;
}

}  // namespace hz::log
