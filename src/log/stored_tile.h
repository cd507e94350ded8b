// Tiles as they are stored: a row each, but for the last one of level 0, which is `tail`, a row a leaf. An append
// writes what is new then, not 4 KiB of hashes again; and the check keeps its third witness for the newest entries too.
#pragma once
#include <optional>

#include "log/tile.h"
#include "log/tile_edge.h"
#include "sql/db.h"

namespace hz::log {

// The first `width` hashes of a tile, as bytes. Fewer or none when they are not there, or not whole. Reads right beside
// a writer.
Result<Bytes> stored_tile(sql::Db& db, unsigned level, std::uint64_t n, unsigned width);

// A full tile. Within a transaction.
Result<void> put_tile(sql::Db& db, const TileId& tile, ByteView hashes);
// Hashes of the last tile of level 0, of the leaves from `begin` on. Within a transaction.
Result<void> put_tail(sql::Db& db, std::uint64_t begin, ByteView hashes);
// The partial tiles of `grown`, where the tree had `old_size` leaves before. Within the transaction that puts the full
// ones.
Result<void> put_partial(sql::Db& db, std::uint64_t old_size, const TileEdge& grown);
// The partial tiles of a tree of this size, as TileEdge takes them; nothing when one is missing or cut.
Result<std::optional<std::vector<std::vector<Digest>>>> stored_partial(sql::Db& db, std::uint64_t size);

}  // namespace hz::log
