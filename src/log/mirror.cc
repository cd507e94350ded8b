#include "log/mirror.h"

#include <algorithm>

#include "crypto/hash.h"
#include "log/reasons.h"
#include "log/state.h"
#include "log/stored_tile.h"
#include "log/tile_reader.h"

namespace hz::log {
namespace {

std::int64_t column(std::uint64_t n) { return static_cast<std::int64_t>(n); }

struct FullTile {
  TileId tile;
  Bytes hashes;
};

}  // namespace

struct Mirror::State {
  fs::path folder;
  Fd lock;
  sql::Db db;
  NoteKey note_key;                // of the head
  std::unique_ptr<HeadKeys> keys;  // read from the stored leaves
  Identify identify;
  Head head = {};
  std::string checkpoint = {};  // empty before the first complete pull
  TileEdge edge = {};           // of `stored` leaves
  Places places = {};
  std::optional<HeadConflict> conflict = {};
  std::unique_ptr<HeadKeys> ahead = {};  // read on from leaves that nothing proves yet

  KeysAt keys_at() const {
    return [this](std::uint64_t size) { return keys->at(size); };
  }

  Result<std::uint64_t> stored_count() {
    return static_cast<std::uint64_t>(HZ_TRY(db.integer("SELECT stored FROM mirror WHERE one = 1")).value_or(0));
  }

  Result<void> load() {
    const std::uint64_t stored = HZ_TRY(stored_count());
    auto partial = HZ_TRY(stored_partial(db, stored));
    if (!partial)
      return fail(why("log.tile_corrupt"), "{}: a partial tile of {} leaves is missing or cut", folder.string(),
                  stored);
    edge = TileEdge(stored, *std::move(partial));
    return db.query("SELECT idx, leaf FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx",
                    {column(std::min(keys->next(), stored)), column(stored)}, [&](const sql::Row& row) {
                      keys->read(static_cast<std::uint64_t>(row.integer(0)), row.blob(1));
                      return true;
                    });
  }

  // The server's head under a key that the log names: by what is stored, else by what its leaves ahead say. nullopt
  // when the limits end the search for this step.
  Result<std::optional<Checkpoint>> opened(TileReader& reader, const std::string& note, const PullLimits& limits) {
    auto known = open_head(note, keys_at());
    if (known) {
      ahead.reset();
      return known->head;
    }
    if (known.error().reason->slug != "log.note_unsigned") return std::unexpected(std::move(known).error());
    const std::uint64_t size = HZ_TRY(parse_checkpoint(HZ_TRY(parse_note(note)).text)).size;
    if (!ahead) ahead = keys->copy();
    const auto by_ahead = [&] { return open_head(note, [&](std::uint64_t at) { return ahead->at(at); }); };
    if (const auto found = by_ahead()) return found->head;
    const std::uint64_t from = std::max(ahead->next(), edge.size());
    if (from >= size) return std::unexpected(std::move(known).error());
    const std::vector<Bytes> leaves = HZ_TRY(fetch(reader, from, size, limits));
    for (std::uint64_t i = 0; i < leaves.size(); ++i) ahead->read(from + i, leaves[i]);
    if (const auto found = by_ahead()) return found->head;
    if (from + leaves.size() >= size) return std::unexpected(std::move(known).error());
    return std::nullopt;
  }

  // Leaves from `from` on, as far as the limits and the signed head allow; at least one bundle.
  Result<std::vector<Bytes>> fetch(TileReader& reader, std::uint64_t from, std::uint64_t signed_size,
                                   const PullLimits& limits) {
    std::vector<Bytes> leaves;
    std::uint64_t size_bytes = 0;
    for (std::uint64_t at = from; at < signed_size;) {
      const std::uint64_t n = at / tile_width;
      auto entries = HZ_TRY(reader.entries(n, width_at(0, n, signed_size)));
      for (std::size_t i = at % tile_width; i < entries.size(); ++i, ++at) {
        if (entries[i].empty()) return fail(why("log.mirror_wrong"), "entry {} is empty", at);
        size_bytes += entries[i].size();
        leaves.push_back(std::move(entries[i]));
      }
      if (leaves.size() + tile_width > limits.leaves_max || size_bytes >= limits.size_bytes_max) break;
    }
    return leaves;
  }

  // A head that does not fit ours: proof against the log when the server's tiles lead to the signed root, else the
  // server's own fault.
  std::unexpected<Error> blame(TileReader& reader, const Checkpoint& theirs, const std::string& note) {
    if (!checkpoint.empty() && head.size > 0) {
      const auto fork = find_fork(checkpoint, note, keys_at(), reader.nodes(theirs.size));
      if (fork && *fork) {
        conflict = HeadConflict{checkpoint, note, **fork};
        return fail(why("log.mirror_forked"), "{}: size {} does not extend size {}", theirs.origin, theirs.size,
                    head.size);
      }
    }
    return fail(why("log.mirror_wrong"), "{}: leaves {} and on against the head of size {}", theirs.origin, edge.size(),
                theirs.size);
  }

  Result<void> store_leaf(std::uint64_t index, ByteView leaf) {
    auto identity = identify(leaf);
    if (!identity || HZ_TRY(places.find(db, index, &identity->id, &identity->idem))) {
      // A name of its own for what has none, or another's.
      identity = Identity{};
      identity->id = crypto::sha256(as_bytes(fmt::format("hezong/mirror/place\n{}\n{}", note_key.name, index)));
      std::copy_n(identity->id.begin(), 16, identity->idem.begin());
      if (HZ_TRY(places.find(db, index, &identity->id, nullptr)))
        return fail(why("log.head_corrupt"), "{}: entry {} is there", folder.string(), index);
    }
    HZ_TRY(db.exec("INSERT INTO entry(idx, id, idem, leaf) VALUES(?, ?, ?, ?) ON CONFLICT DO NOTHING",
                   {column(index), ByteView(identity->id), ByteView(identity->idem), leaf}));
    if (db.changes() != 1) return fail(why("log.head_corrupt"), "{}: entry {} is there", folder.string(), index);
    places.add(index, identity->id, identity->idem);
    return {};
  }

  Result<void> store(const std::vector<Bytes>& leaves, const TileEdge& grown, const std::vector<FullTile>& full,
                     const OpenedHead* complete, const std::string& note) {
    const auto done = db.transaction([&]() -> Result<void> {
      for (std::uint64_t i = 0; i < leaves.size(); ++i) HZ_TRY(store_leaf(edge.size() + i, leaves[i]));
      for (const FullTile& f : full) HZ_TRY(put_tile(db, f.tile, f.hashes));
      HZ_TRY(put_partial(db, edge.size(), grown));
      HZ_TRY(places.sweep(db, edge.size(), grown.size()));
      HZ_TRY(db.exec("INSERT OR REPLACE INTO mirror(one, stored) VALUES(1, ?)", {column(grown.size())}));
      if (!complete) return {};
      HZ_TRY(db.exec("UPDATE log SET vkey = ? WHERE one = 1", {std::string_view(format_vkey(complete->key))}));
      return db.exec("INSERT OR REPLACE INTO head(one, size, root, checkpoint) VALUES(1, ?, ?, ?)",
                     {column(complete->head.size), ByteView(complete->head.root), std::string_view(note)});
    });
    if (!done) places.forget();
    if (!done && done.error().reason->slug == "sql.io") stop_unsafe("mirror", done.error());
    return done;
  }
};

void grow(TileEdge& edge, std::span<const Bytes> leaves,
          const std::function<void(const TileId&, std::span<const Digest>)>& full) {
  for (const Bytes& leaf : leaves) edge.append(crypto::leaf_hash(leaf), full);
}

Mirror::Mirror(std::unique_ptr<State> state) : state_(std::move(state)) {}
Mirror::Mirror(Mirror&&) noexcept = default;
Mirror& Mirror::operator=(Mirror&&) noexcept = default;
Mirror::~Mirror() = default;

const NoteKey& Mirror::key() const { return state_->note_key; }
const Head& Mirror::head() const { return state_->head; }
std::uint64_t Mirror::stored() const { return state_->edge.size(); }
const std::optional<HeadConflict>& Mirror::conflict() const { return state_->conflict; }

Result<Mirror> Mirror::open(const fs::path& folder, NoteKey log_key, Identify identify, Check check) {
  return open(folder, one_key(std::move(log_key)), std::move(identify), check);
}

Result<Mirror> Mirror::open(const fs::path& folder, std::unique_ptr<HeadKeys> keys, Identify identify, Check check) {
  const std::vector<NoteKey> first = keys->at(0);
  if (first.empty()) return fail(why("log.wrong_key"), "{}: no key signed its first head", folder.string());
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return fail(hz::why("base.write"), "{}: {}", folder.string(), error.message());
  Fd lock = HZ_TRY(lock_writer(folder));
  sql::Db db = HZ_TRY(open_db(folder, sql::Mode::writer));
  const std::string vkey = format_vkey(first.front());
  const auto known = HZ_TRY(db.text("SELECT vkey FROM log WHERE one = 1"));
  // An own log's folder has no mirror row: it must never be pulled into.
  if (known && !HZ_TRY(db.integer("SELECT stored FROM mirror WHERE one = 1")))
    return fail(why("log.exists"), "{}: this is no mirror", folder.string());
  if (!known)
    HZ_TRY(db.transaction([&]() -> Result<void> {
      HZ_TRY(db.exec("INSERT INTO log(one, vkey) VALUES(1, ?)", {std::string_view(vkey)}));
      return db.exec("INSERT INTO mirror(one, stored) VALUES(1, 0)");
    }));
  NoteKey note_key = HZ_TRY(parse_vkey(known.value_or(vkey)));
  auto state = std::unique_ptr<State>(new State{.folder = folder,
                                                .lock = std::move(lock),
                                                .db = std::move(db),
                                                .note_key = std::move(note_key),
                                                .keys = std::move(keys),
                                                .identify = std::move(identify)});
  if (HZ_TRY(state->db.integer("SELECT count(*) FROM head")).value_or(0) > 0) {
    const Log reader = HZ_TRY(Log::open_reader(folder, check));
    state->head = reader.head();
    state->checkpoint = reader.checkpoint();
  }
  HZ_TRY(state->load());
  if (!state->keys->named(state->note_key))
    return fail(why("log.wrong_key"), "{}: it holds the log {}", folder.string(), format_vkey(state->note_key));
  return Mirror(std::move(state));
}

Result<Pulled> Mirror::pull(const http::Exchange& exchange, std::string_view prefix, const PullLimits& limits) {
  State& state = *state_;
  state.conflict.reset();
  TileReader reader(exchange, std::string(prefix));
  const std::string note = HZ_TRY(reader.checkpoint());
  const auto opened = HZ_TRY(state.opened(reader, note, limits));
  if (!opened) return Pulled{HZ_TRY(parse_checkpoint(HZ_TRY(parse_note(note)).text)).size, state.edge.size(), 0, false};
  const Checkpoint& theirs = *opened;
  // Leaves ahead of the head are proven under a larger signed head, so a smaller one now is old as well.
  if (theirs.size < state.edge.size() || (!state.checkpoint.empty() && theirs.size < state.head.size)) {
    if (!state.checkpoint.empty() && theirs.size < state.head.size) {
      state.conflict = HeadConflict{state.checkpoint, note, std::nullopt};
      // Older and different is more than older: our own tree can say so.
      Log own = HZ_TRY(Log::open_reader(state.folder, Check::head));
      auto fork = HZ_TRY(find_fork(note, state.checkpoint, state.keys_at(), own.state_->source()));
      state.conflict->evidence = fork;
      if (fork)
        return fail(why("log.mirror_forked"), "{}: size {} is not the start of size {}", theirs.origin, theirs.size,
                    state.head.size);
    }
    return fail(why("log.mirror_behind"), "{}: size {}, mirrored are {}", theirs.origin, theirs.size,
                std::max(state.edge.size(), state.head.size));
  }

  const std::vector<Bytes> leaves = HZ_TRY(state.fetch(reader, state.edge.size(), theirs.size, limits));
  TileEdge grown = state.edge;
  std::vector<FullTile> full;
  grow(grown, leaves,
       [&](const TileId& tile, std::span<const Digest> hashes) { full.push_back({tile, tile_bytes(hashes)}); });
  const bool complete = grown.size() == theirs.size;
  if (complete) {
    if (grown.root() != theirs.root) return state.blame(reader, theirs, note);
  } else {
    const auto path = crypto::consistency_proof(grown.size(), theirs.size, reader.nodes(theirs.size));
    if (!path) return std::unexpected(path.error());
    if (!crypto::verify_consistency(grown.size(), theirs.size, grown.root(), theirs.root, *path))
      return state.blame(reader, theirs, note);
  }
  std::unique_ptr<HeadKeys> read = state.keys->copy();
  for (std::uint64_t i = 0; i < leaves.size(); ++i) read->read(state.edge.size() + i, leaves[i]);
  std::optional<OpenedHead> head;
  if (complete) {
    // Every leaf is proven now, so the key must be one that they name.
    auto by_leaves = open_head(note, [&](std::uint64_t size) { return read->at(size); });
    if (!by_leaves) return fail(why("log.mirror_wrong"), "{}: {}", theirs.origin, by_leaves.error().detail);
    head = *std::move(by_leaves);
  }
  const bool news = !leaves.empty() || (complete && note != state.checkpoint);
  if (news) HZ_TRY(state.store(leaves, grown, full, head ? &*head : nullptr, note));
  state.edge = std::move(grown);
  state.keys = std::move(read);
  if (complete) {
    state.note_key = head->key;
    state.head = {theirs.size, theirs.root};
    state.checkpoint = note;
  }
  return Pulled{theirs.size, state.edge.size(), leaves.size(), complete};
}

}  // namespace hz::log
