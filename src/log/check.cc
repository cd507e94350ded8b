// Recomputing a log from its bytes, and naming what is wrong.
//
// Three things are stored that must agree: entries, tiles, and the signed root. Hashing all entries into one root and
// comparing would be enough to know *that* a byte was flipped, but not where, and a user with a million entries needs
// to know where. Since every tile is stored as well, each level can be held against the one below it:
//
//   entry i            hashes to   hash i%256 of tile (0, i/256)
//   full tile (l, n)   folds to    hash n%256 of tile (l+1, n/256)
//   partial tiles      fold to     the signed root
//
// A disagreement between a tile and what is below it has two suspects. The third witness decides: if the stored hashes
// lead upward to what is expected there (the parent's hash, or for a partial tile the signed root), the lower one was
// changed; if the recomputed hashes do, the tile was. If neither does, both are named.
//
// Entries are read and hashed by several threads, each with its own read connection, in shares of 16 tiles; the levels
// above are 1/256 of the work each and run on one.
#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include "log/reasons.h"
#include "log/state.h"
#include "log/stored_tile.h"
#include "sql/migrate.h"

namespace hz::log {
namespace {

constexpr std::size_t faults_max = 100;
constexpr std::uint64_t share_tiles = 16;

std::int64_t column(std::uint64_t n) { return static_cast<std::int64_t>(n); }

// A tile that contradicts what lies below it.
struct Mismatch {
  TileId tile;
  std::vector<Digest> stored;
  std::vector<Digest> computed;  // from below
};

class Checker {
 public:
  Checker(const fs::path& db_path, const Head& head, Check check, const Identify& identify, const Pace& pace)
      : db_path_(db_path), head_(head), check_(check), identify_(identify), pace_(pace) {}

  Result<Findings> run(Progress& progress) {
    folded_.resize(hashes_at(1, head_.size));
    sql::Db db = HZ_TRY(sql::Db::open(db_path_, sql::Mode::reader));
    if (check_ == Check::leaves && identify_) places_ = HZ_TRY(stored_places(db, head_.size));
    HZ_TRY(level_0(progress));
    std::vector<Digest> below = std::move(folded_);
    for (unsigned level = 1; level < level_count(head_.size); ++level) below = HZ_TRY(upper(db, level, below));
    root();
    if (places_ && places_->sum != expected_) HZ_TRY(misplaced(db));
    for (const Mismatch& mismatch : mismatches_) explain(mismatch);
    std::ranges::sort(faults_, {}, &Error::detail);
    findings_.faults = std::move(faults_);
    findings_.bundles.assign(bundles_.begin(), bundles_.end());
    return std::move(findings_);
  }

 private:
  template <class... Args>
  void fault(const Reason& reason, fmt::format_string<Args...> format, Args&&... args) {
    const std::scoped_lock hold(mutex_);
    if (faults_.size() < faults_max) faults_.push_back({&reason, fmt::format(format, std::forward<Args>(args)...)});
  }

  // One tile as stored; reports and returns nullopt when it is missing or of the wrong width.
  Result<std::optional<std::vector<Digest>>> stored(sql::Db& db, const TileId& tile) {
    const Bytes bytes = HZ_TRY(stored_tile(db, tile.level, tile.n, tile.width));
    if (bytes.size() == std::size_t{tile.width} * 32) return tile_hashes(bytes);
    fault(why("log.tile_corrupt"), "{}: {} bytes are stored, {} are needed", tile_path(tile), bytes.size(),
          tile.width * 32);
    return std::nullopt;
  }

  Result<void> level_0(Progress& progress) {
    const std::uint64_t tiles = (head_.size + tile_width - 1) / tile_width;
    const std::uint64_t shares = (tiles + share_tiles - 1) / share_tiles;
    const auto wanted = std::min<std::uint64_t>(std::max(1U, std::thread::hardware_concurrency()), 8);
    const auto threads = pace_ ? 1 : static_cast<std::size_t>(std::min(wanted, shares));
    std::atomic<std::uint64_t> next = 0, done = 0;
    std::vector<Result<void>> ends(std::max<std::size_t>(threads, 1));
    progress.phase(check_ == Check::leaves ? "checking entries" : "checking tiles", column(head_.size));
    const auto work = [&](std::size_t who) -> Result<void> {
      sql::Db db = HZ_TRY(sql::Db::open(db_path_, sql::Mode::reader));
      for (std::uint64_t share = next++; share < shares; share = next++) {
        const std::uint64_t end = std::min(tiles, (share + 1) * share_tiles);
        PlaceSum expected;
        HZ_TRY(tiles_0(db, share * share_tiles, end, expected));
        {
          const std::scoped_lock hold(mutex_);
          expected_.add(expected);
        }
        done += (end - share * share_tiles) * tile_width;
        if (who == 0) progress.step(column(std::min(done.load(), head_.size)));
      }
      return {};
    };
    {
      std::vector<std::jthread> others;
      for (std::size_t who = 1; who < threads; ++who) others.emplace_back([&, who] { ends[who] = work(who); });
      ends[0] = work(0);
    }
    for (const auto& end : ends) HZ_TRY(end);
    progress.step(column(head_.size));
    findings_.leaves = check_ == Check::leaves ? head_.size : 0;
    return {};
  }

  // Level-0 tiles [begin, end): one ordered pass over their entries.
  Result<void> tiles_0(sql::Db& db, std::uint64_t begin, std::uint64_t end, PlaceSum& expected) {
    std::vector<Digest> computed;
    std::uint64_t n = begin, index = begin * tile_width, taken = 0;
    Result<void> failed;
    const auto close_tile = [&]() -> Result<void> {
      const TileId tile{false, 0, n, width_at(0, n, head_.size)};
      auto hashes = HZ_TRY(stored(db, tile));
      if (hashes && check_ == Check::leaves && *hashes != computed) disagree(tile, *hashes, computed);
      if (tile.width == tile_width) folded_[n] = fold(hashes ? *hashes : computed);
      ++n;
      if (pace_) pace_(std::exchange(taken, 0) + std::uint64_t{tile.width} * 32);
      computed.clear();
      return {};
    };
    if (check_ != Check::leaves) {
      // Without entries a missing tile cannot be folded; its fault is reported and the fold is of zeros.
      for (computed.resize(tile_width); n < end; computed.resize(tile_width)) HZ_TRY(close_tile());
      return {};
    }
    const std::uint64_t last = std::min(end * tile_width, head_.size);
    // Columns that nobody looks at are not read; places_ are there with identify_ only.
    HZ_TRY(db.query(identify_ ? "SELECT idx, id, idem, leaf FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx"
                              : "SELECT idx, NULL, NULL, leaf FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx",
                    {column(index), column(last)}, [&](const sql::Row& row) {
                      failed = [&]() -> Result<void> {
                        for (; column(index) < row.integer(0); ++index) HZ_TRY(missing(index, computed, close_tile));
                        const ByteView leaf = row.blob(3);
                        computed.push_back(crypto::leaf_hash(leaf));
                        if (identify_) identity(index, row);
                        if (places_) expect(index, row, expected);
                        taken += leaf.size() + 48;
                        ++index;
                        if (computed.size() == width_at(0, n, head_.size)) HZ_TRY(close_tile());
                        return {};
                      }();
                      return failed.has_value();
                    }));
    HZ_TRY(failed);
    for (; index < last; ++index) HZ_TRY(missing(index, computed, close_tile));
    return {};
  }

  template <class Close>
  Result<void> missing(std::uint64_t index, std::vector<Digest>& computed, const Close& close_tile) {
    fault(why("log.leaf_corrupt"), "entry {} is missing", index);
    damaged(index);
    computed.push_back({});
    if (computed.size() == width_at(0, index / tile_width, head_.size)) return close_tile();
    return {};
  }

  void damaged(std::uint64_t index) {
    const std::scoped_lock hold(mutex_);
    bundles_.insert(index / tile_width);
  }

  void identity(std::uint64_t index, const sql::Row& row) {
    const auto right = identify_(row.blob(3));
    if (!right) {
      fault(why("log.leaf_corrupt"), "entry {}: {}", index, right.error().text());
      damaged(index);
    } else if (!std::ranges::equal(row.blob(1), right->id) || !std::ranges::equal(row.blob(2), right->idem)) {
      fault(why("log.index_corrupt"), "entry {}: stored id {}, the entry says {}", index, hex(row.blob(1)),
            hex(right->id));
      damaged(index);
    }
  }

  // What table `place` has to say of this entry, by the columns that it leads to.
  void expect(std::uint64_t index, const sql::Row& row, PlaceSum& expected) const {
    for (const int at : {1, 2})
      if (const auto key = place_key(row.blob(at)); key && index < swept(slice_of(*key), places_->size))
        expected.add(*key, index);
  }

  // Table `place` is not what the entries say: which key, one by one.
  Result<void> misplaced(sql::Db& db) {
    bool found = false;
    const auto name = [&](std::uint64_t index, std::string_view what) {
      fault(why("log.index_corrupt"), "entry {}: {}", index, what);
      damaged(std::min(index, head_.size - 1));
      found = true;
    };
    // A writer's rows of newer entries may be among them; a row that leads nowhere is no newer entry's.
    HZ_TRY(db.query("SELECT p.idx, p.key, e.id, e.idem FROM place p LEFT JOIN entry e ON e.idx = p.idx", {},
                    [&](const sql::Row& row) {
                      const auto is = [&](int at) {
                        const auto key = place_key(row.blob(at));
                        return key && std::ranges::equal(*key, row.blob(1));
                      };
                      if (!is(2) && !is(3))
                        name(static_cast<std::uint64_t>(row.integer(0)), "a key leads to it that is not its own");
                      return faults_.size() < faults_max;
                    }));
    HZ_TRY(db.query("SELECT idx, id, idem FROM entry WHERE idx < ?", {column(head_.size)}, [&](const sql::Row& row) {
      const auto index = static_cast<std::uint64_t>(row.integer(0));
      for (const int at : {1, 2}) {
        const auto key = place_key(row.blob(at));
        if (!key || index >= swept(slice_of(*key), places_->size)) continue;
        const auto there = db.integer("SELECT 1 FROM place WHERE key = ? AND idx = ?", {ByteView(*key), column(index)});
        if (!there || !*there) name(index, at == 1 ? "its id does not lead to it" : "its key does not lead to it");
      }
      return faults_.size() < faults_max;
    }));
    if (!found) fault(why("log.index_corrupt"), "table place holds keys of entries that are not due yet");
    return {};
  }

  // Level `level` >= 1 against the folded tiles below it; returns its own folded tiles.
  Result<std::vector<Digest>> upper(sql::Db& db, unsigned level, const std::vector<Digest>& below) {
    std::vector<Digest> folded;
    std::vector<Digest> partial;
    for (std::uint64_t n = 0; width_at(level, n, head_.size) > 0; ++n) {
      const TileId tile{false, level, n, width_at(level, n, head_.size)};
      const auto from = below.begin() + column(n * tile_width);
      const std::vector<Digest> computed(from, from + tile.width);
      auto hashes = HZ_TRY(stored(db, tile));
      if (hashes && *hashes != computed) disagree(tile, *hashes, computed);
      if (tile.width == tile_width) folded.push_back(fold(hashes ? *hashes : computed));
    }
    return folded;
  }

  void disagree(const TileId& tile, std::vector<Digest> hashes, std::vector<Digest> computed) {
    const std::scoped_lock hold(mutex_);
    if (tile.level == 0) bundles_.insert(tile.n);
    if (mismatches_.size() < faults_max) mismatches_.push_back({tile, std::move(hashes), std::move(computed)});
  }

  // The root that partial tiles lead to, with one of them replaced.
  std::optional<Digest> root_with(sql::Db& db, const TileId* replaced, const std::vector<Digest>* by) {
    crypto::RightEdge edge;
    for (unsigned level = level_count(head_.size); level-- > 0;) {
      const std::uint64_t n = hashes_at(level, head_.size) / tile_width;
      const unsigned width = width_at(level, n, head_.size);
      if (width == 0) continue;
      const TileId tile{false, level, n, width};
      std::vector<Digest> hashes;
      if (replaced && tile == *replaced) {
        hashes = *by;
      } else {
        if (const auto bytes = stored_tile(db, level, n, width)) hashes = tile_hashes(*bytes);
      }
      if (hashes.size() != width) return std::nullopt;
      for (const Digest& hash : hashes) edge.append_subtree(8 * level, hash);
    }
    return edge.root();
  }

  void root() {
    auto db = sql::Db::open(db_path_, sql::Mode::reader);
    if (!db) return;
    const auto found = root_with(*db, nullptr, nullptr);
    if (found && *found != head_.root && mismatches_.empty())
      fault(why("log.root_mismatch"), "size {}: the tiles give root {}, the checkpoint says {}", head_.size,
            hex(*found), hex(head_.root));
    // One snapshot: a writer that commits meanwhile is no fault. A mirror names how far it is ahead of its head.
    std::int64_t above = 0;
    if (const auto count =
            db->integer("SELECT count(*) FROM entry WHERE idx >= ?1 AND ?1 = (SELECT size FROM head) AND "
                        "idx >= coalesce((SELECT stored FROM mirror), 0)",
                        {column(head_.size)}))
      above = count->value_or(0);
    if (above > 0) fault(why("log.head_corrupt"), "{} entries are stored above the head of {}", above, head_.size);
  }

  // Who is wrong, by the third witness above the tile.
  void explain(const Mismatch& m) {
    bool tile_holds = false, below_holds = false;
    auto db = sql::Db::open(db_path_, sql::Mode::reader);
    if (!db) return;
    if (m.tile.width == tile_width) {
      std::optional<Digest> parent;
      const std::size_t at = m.tile.n % tile_width;
      const auto above = stored_tile(*db, m.tile.level + 1, m.tile.n / tile_width, static_cast<unsigned>(at + 1));
      if (above && above->size() == (at + 1) * 32) parent = tile_hashes(*above)[at];
      tile_holds = parent && fold(m.stored) == *parent;
      below_holds = parent && fold(m.computed) == *parent;
    } else {
      const auto as_stored = root_with(*db, nullptr, nullptr);
      const auto as_computed = root_with(*db, &m.tile, &m.computed);
      tile_holds = as_stored && *as_stored == head_.root;
      below_holds = as_computed && *as_computed == head_.root;
    }
    for (std::size_t i = 0; i < m.stored.size(); ++i) {
      if (m.stored[i] == m.computed[i]) continue;
      const std::uint64_t child = m.tile.n * tile_width + i;
      const std::string below =
          m.tile.level == 0 ? fmt::format("entry {}", child) : tile_path({false, m.tile.level - 1, child, tile_width});
      // A lower tile that is wrong against its own entries is explained there.
      const bool known = m.tile.level > 0 && std::ranges::any_of(mismatches_, [&](const Mismatch& other) {
                           return other.tile.level + 1 == m.tile.level && other.tile.n == child;
                         });
      if (known) continue;
      if (!tile_holds || below_holds)
        fault(why("log.tile_corrupt"), "hash {} of {} does not match {}{}", i, tile_path(m.tile), below,
              below_holds ? "" : "; what lies above matches neither");
      if (!below_holds)
        fault(m.tile.level == 0 ? why("log.leaf_corrupt") : why("log.tile_corrupt"),
              "{} does not match hash {} of {}{}", below, i, tile_path(m.tile),
              tile_holds ? "" : "; what lies above matches neither");
    }
  }

  const fs::path db_path_;
  const Head head_;
  const Check check_;
  const Identify& identify_;
  std::vector<Digest> folded_;  // roots of the full level-0 tiles; each slot is written by one thread
  const Pace& pace_;
  std::optional<StoredPlaces> places_;  // when the index is checked too
  std::mutex mutex_;                    // guards the next four
  PlaceSum expected_;
  std::set<std::uint64_t> bundles_;
  std::vector<Error> faults_;
  std::vector<Mismatch> mismatches_;
  Findings findings_;
};

}  // namespace

Result<Findings> recompute_log(const fs::path& db_path, const Head& head, Check check, Progress& progress,
                               const Identify& identify, const Pace& pace) {
  return Checker(db_path, head, check, identify, pace).run(progress);
}

Result<Findings> Log::State::recompute(Check check, Progress& progress, const Identify& identify) const {
  return recompute_log(db_path(), head, check, progress, identify);
}

Result<void> Log::State::require_sound(Check check) {
  if (check == Check::since_record) {
    if (HZ_TRY(sound_since_record())) return {};
    check = Check::leaves;
  }
  if (check == Check::leaves && head.size > leaves_at_open_max) check = Check::tiles;
  if (check == Check::head && edge.root() == head.root) return {};
  const Findings findings = HZ_TRY(recompute(check == Check::head ? Check::leaves : check, silent_progress(), nullptr));
  if (!findings.faults.empty()) return within(db_path().string(), findings.faults.front());
  if (edge.root() != head.root) return fail(why("log.root_mismatch"), "{}: size {}", db_path().string(), head.size);
  return {};
}

Result<Findings> Log::fsck(Progress& progress, const Identify& identify) {
  State& state = *state_;
  Findings findings = HZ_TRY(state.recompute(Check::leaves, progress, identify));
  for (unsigned level = 0; level < level_count(state.head.size); ++level)
    findings.tiles += (hashes_at(level, state.head.size) + tile_width - 1) / tile_width;
  progress.phase("checking database pages", 0);
  if (const auto pages = sql::check_pages(state.db); !pages) findings.faults.push_back(pages.error());
  if (const auto signed_head = open_checkpoint(state.checkpoint, state.note_key); !signed_head)
    findings.faults.push_back(signed_head.error());
  const Published published = HZ_TRY(state.published());
  for (const std::string& note : {published.note, published.first_note}) {
    auto shown = open_checkpoint(note, state.note_key);
    // A note from before a change of keys is not under this key any more; its tree still has to be ours.
    if (!shown && shown.error().reason->slug == "log.note_unsigned")
      shown = parse_checkpoint(HZ_TRY(parse_note(note)).text);
    const auto root = shown ? root_at(shown->size) : std::unexpected(shown.error());
    if (!root) {
      findings.faults.push_back(root.error());
    } else if (*root != shown->root || shown->size != published.size) {
      findings.faults.push_back({&why("log.head_corrupt"), fmt::format("the published note of size {}", shown->size)});
    }
  }
  return findings;
}

}  // namespace hz::log
