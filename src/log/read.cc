// Reading a log: entries, tiles, bundles, proofs. Everything is limited to the head the object holds.
#include <algorithm>
#include <bit>

#include "log/proof.h"
#include "log/reasons.h"
#include "log/state.h"
#include "log/stored_tile.h"

namespace hz::log {
namespace {
std::int64_t column(std::uint64_t n) { return static_cast<std::int64_t>(n); }

// Entries of one query of visit. What is called may take long, and while a query is open no checkpoint goes past it:
// the writer's log grows, and a later append pays for all of it (95 ms were seen).
constexpr std::uint64_t visit_step = 1024;
}  // namespace

Result<Bytes> Log::leaf(std::uint64_t index) {
  Bytes out;
  HZ_TRY(visit(index, index + 1, [&](std::uint64_t, ByteView leaf) -> Result<void> {
    out.assign(leaf.begin(), leaf.end());
    return {};
  }));
  return out;
}

Result<void> Log::visit(std::uint64_t begin, std::uint64_t end,
                        const std::function<Result<void>(std::uint64_t, ByteView)>& each) {
  return state_->visit(begin, end, each);
}

Result<void> Log::State::visit(std::uint64_t begin, std::uint64_t end,
                               const std::function<Result<void>(std::uint64_t, ByteView)>& each) {
  if (begin > end || end > head.size) return fail(why("log.range"), "entries {} to {} of {}", begin, end, head.size);
  if (begin == end) return {};
  Result<void> done;
  std::uint64_t next = begin, tile = UINT64_MAX;
  std::vector<Digest> expected;  // a copy: what is called may read on in the log
  const auto take = [&](const sql::Row& row) {
    if (row.integer(0) != column(next)) return false;
    done = [&]() -> Result<void> {
      if (next / tile_width != tile) {
        tile = next / tile_width;
        const auto hashes = HZ_TRY(proven(0, tile));
        expected.assign(hashes.begin(), hashes.end());
      }
      if (crypto::leaf_hash(row.blob(1)) != expected[next % tile_width])
        return fail(why("log.leaf_corrupt"), "entry {} does not match its tile", next);
      return each(next, row.blob(1));
    }();
    ++next;
    return done.has_value();
  };
  for (std::uint64_t at = begin; at < end && next == at; at = std::min(end, at + visit_step)) {
    HZ_TRY(db.query("SELECT idx, leaf FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx",
                    {column(at), column(std::min(end, at + visit_step))}, take));
    HZ_TRY(done);
  }
  if (next != end) return fail(why("log.leaf_corrupt"), "entry {} is missing", next);
  return {};
}

// The partial tiles of the head were held against its root when it was read. A full tile is right when the tile above
// it, which is right, holds its root; what was found right once stays so, since hashes in a tile never change.
Result<std::span<const Digest>> Log::State::proven(unsigned level, std::uint64_t n) {
  const unsigned width = width_at(level, n, head.size);
  if (width < tile_width) return std::span<const Digest>(edge.partial()[level]);
  Kept& tile = *HZ_TRY(kept_tile(level, n, width));
  if (!tile.proven) {
    const auto above = HZ_TRY(proven(level + 1, n / tile_width));
    if (fold(tile.hashes) != above[n % tile_width])
      return fail(why("log.tile_corrupt"), "{} does not match hash {} of {}", tile_path({false, level, n, tile_width}),
                  n % tile_width,
                  tile_path({false, level + 1, n / tile_width, width_at(level + 1, n / tile_width, head.size)}));
    tile.proven = true;
  }
  return std::span<const Digest>(tile.hashes);
}

Result<void> Log::check_entries(std::uint64_t begin, std::uint64_t end, const Identify& identify) {
  State& state = *state_;
  std::vector<Identity> stored;
  HZ_TRY(state.db.query("SELECT id, idem FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx",
                        {column(begin), column(end)}, [&](const sql::Row& row) {
                          Identity& one = stored.emplace_back();
                          if (row.blob(0).size() == one.id.size()) std::ranges::copy(row.blob(0), one.id.begin());
                          if (row.blob(1).size() == one.idem.size()) std::ranges::copy(row.blob(1), one.idem.begin());
                          return true;
                        }));
  return state.visit(begin, end, [&](std::uint64_t index, ByteView leaf) -> Result<void> {
    const auto right = identify(leaf);
    if (!right) return fail(why("log.leaf_corrupt"), "entry {}: {}", index, right.error().text());
    const std::size_t at = index - begin;
    if (at >= stored.size() || stored[at].id != right->id || stored[at].idem != right->idem)
      return fail(why("log.index_corrupt"), "entry {}: stored id {}, the entry says {}", index,
                  at < stored.size() ? hex(stored[at].id) : "none", hex(right->id));
    return {};
  });
}

Result<std::optional<std::uint64_t>> Log::find(const Digest& id) {
  const auto found = HZ_TRY(state_->places.find(state_->db, state_->head.size, &id, nullptr));
  return found ? std::optional(found->index) : std::nullopt;
}

Result<std::optional<std::uint64_t>> Log::find_idem(const std::array<std::uint8_t, 16>& idem) {
  const auto found = HZ_TRY(state_->places.find(state_->db, state_->head.size, nullptr, &idem));
  return found ? std::optional(found->index) : std::nullopt;
}

Result<Log::State::Kept*> Log::State::kept_tile(unsigned level, std::uint64_t n, unsigned width) {
  HZ_ASSERT(level < kept.size() && width > 0);
  Kept& copy = kept[level][n % kept_per_level];
  if (copy.n != n || copy.hashes.size() < width) {
    copy = {};
    // As wide as the head makes it: what is asked for next is often one more.
    copy.hashes = tile_hashes(HZ_TRY(stored_tile(db, level, n, std::max(width, width_at(level, n, head.size)))));
    if (copy.hashes.size() < width)
      return fail(why("log.tile_corrupt"), "{} holds {} hashes, {} are needed",
                  tile_path({false, level, n, tile_width}), copy.hashes.size(), width);
    copy.n = n;
  }
  return &copy;
}

Result<std::span<const Digest>> Log::State::hashes(unsigned level, std::uint64_t n, unsigned width) {
  return std::span<const Digest>(HZ_TRY(kept_tile(level, n, width))->hashes);
}

// Two kinds of nodes cost nothing: the full subtrees on the right edge, which every proof to the head needs, and nodes
// of a kept tile that were asked for before. The rest is folded from one tile, at most 255 hashes.
Result<Digest> Log::State::node(crypto::Node node) {
  const crypto::RightEdge& ends = edge.subtrees();
  const std::uint64_t size = ends.size();
  if ((size >> node.level & 1) == 1 && node.index + 1 == size >> node.level)
    return ends.hashes()[static_cast<std::size_t>(std::popcount(size >> node.level)) - 1];
  const unsigned level = node.level / 8, within = node.level % 8;
  const std::uint64_t first = node.index << within;
  const std::size_t at = first % tile_width, count = std::size_t{1} << within;
  Kept& tile = *HZ_TRY(kept_tile(level, first / tile_width, static_cast<unsigned>(at + count)));
  if (within == 0) return tile.hashes[at];
  auto& row = tile.inner[within];
  if (row.empty()) row.resize(tile_width >> within);
  auto& known = row[at >> within];
  if (!known) known = fold(std::span<const Digest>(tile.hashes).subspan(at, count));
  return *known;
}

Result<Bytes> Log::tile(unsigned level, std::uint64_t n, unsigned width) {
  if (width == 0 || width > width_at(level, n, state_->head.size))
    return fail(why("log.range"), "{} of a log of {}", tile_path({false, level, n, width}), state_->head.size);
  return tile_bytes(HZ_TRY(state_->hashes(level, n, width)).first(width));
}

Result<Bytes> Log::bundle(std::uint64_t n, unsigned width) {
  if (width == 0 || width > width_at(0, n, state_->head.size))
    return fail(why("log.range"), "{} of a log of {}", tile_path({true, 0, n, width}), state_->head.size);
  Bytes out;
  HZ_TRY(visit(n * tile_width, n * tile_width + width, [&](std::uint64_t, ByteView leaf) -> Result<void> {
    put_entry(out, leaf);
    return {};
  }));
  return out;
}

Result<std::vector<Digest>> Log::inclusion_proof(std::uint64_t index, std::uint64_t size) {
  if (size > state_->head.size || index >= size)
    return fail(why("log.range"), "entry {} in a tree of {}, the log has {}", index, size, state_->head.size);
  return crypto::inclusion_proof(index, size, state_->source());
}

Result<std::vector<Digest>> Log::consistency_proof(std::uint64_t old_size, std::uint64_t new_size) {
  if (new_size > state_->head.size || old_size > new_size)
    return fail(why("log.range"), "sizes {} and {}, the log has {}", old_size, new_size, state_->head.size);
  return crypto::consistency_proof(old_size, new_size, state_->source());
}

Result<Digest> Log::root_at(std::uint64_t size) {
  if (size > state_->head.size) return fail(why("log.range"), "size {}, the log has {}", size, state_->head.size);
  return crypto::tree_root(size, state_->source());
}

Result<std::string> Log::prove(std::uint64_t index) {
  // Read without the check of visit: the proof itself is one.
  Bytes stored;
  HZ_TRY(state_->db.query("SELECT leaf FROM entry WHERE idx = ?", {column(index)}, [&](const sql::Row& row) {
    stored.assign(row.blob(0).begin(), row.blob(0).end());
    return false;
  }));
  Proof proof{std::move(stored), index, HZ_TRY(inclusion_proof(index, state_->head.size)),
              HZ_TRY(state_->shown_checkpoint())};
  // A proof that does not verify is never handed out: storage may have gone bad since the start-up check.
  HZ_TRY(verify_proof(proof, state_->note_key));
  return format_proof(proof);
}

}  // namespace hz::log
