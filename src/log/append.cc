// Appending, in the order that makes a crash at any step harmless:
//
//   1. one transaction: entries, full tiles, partial tiles, head and the signed checkpoint      COMMIT = synced
//   write-ahead log
//   2. the high-water mark                                                                      pwrite, fdatasync
//   3. the answer
//
// Killed before 1: nothing happened. Between 1 and 2: the entries are there and were not acknowledged; the next open
// moves the mark up, and a repeat by the client finds its own id. After 2: acknowledged or about to be. The simpler
// order, sign after commit, needs a second commit for the checkpoint, and a crash in between leaves a tree nobody
// signed. Signing first is safe because a signature that was rolled back was never shown to anyone.
//
// A full disk rolls back and is an error like any other. A commit, sync or read that the device refuses is not: after a
// failed fsync the kernel may have dropped the pages it could not write and report success next time, so only a
// restart, which reads what is really there, may decide. Then the process ends here, without running destructors and
// without a core that would hold the signing key.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "log/reasons.h"
#include "log/state.h"

namespace hz::log {

void stop_unsafe(std::string_view step, const Error& error) {
  const std::string text = fmt::format(
      "hezong: the log cannot be made durable ({}): {}\n"
      "hezong: stopping at once; nothing was acknowledged. Look for disk errors, then start again: the start-up check "
      "decides.\n",
      step, error.text());
  (void)!::write(STDERR_FILENO, text.data(), text.size());
  std::_Exit(exit_code(Code::corrupt));
}

Result<std::vector<Appended>> Log::append(std::span<const Entry> entries) {
  State& state = *state_;
  if (!state.may_write()) return fail(why("log.read_only"), "{}", state.folder.string());
  for (const Entry& entry : entries)
    if (entry.leaf.empty() || entry.leaf.size() > entry_size_bytes_max)
      return fail(why("log.entry"), "entry {} of the batch has {} bytes", &entry - entries.data(), entry.leaf.size());

  std::vector<Appended> answers;
  answers.reserve(entries.size());
  TileEdge edge = state.edge;  // the new end of the tree, kept only when the commit stands
  std::string checkpoint;
  sql::Db& db = state.db;

  const auto put_tile = [&](unsigned level, std::uint64_t n, std::span<const Digest> hashes) {
    return db.exec(
        "INSERT INTO tile(level, n, hashes) VALUES(?, ?, ?) ON CONFLICT DO UPDATE SET hashes = excluded.hashes",
        {std::int64_t{level}, static_cast<std::int64_t>(n), ByteView(tile_bytes(hashes))});
  };
  const auto find_old = [&](const Entry& entry) -> Result<Appended> {
    if (const auto index = HZ_TRY(db.integer("SELECT idx FROM entry WHERE id = ?", {ByteView(entry.id)})))
      return Appended{static_cast<std::uint64_t>(*index), true};
    std::string old;
    HZ_TRY(db.query("SELECT idx, hex(id) FROM entry WHERE idem = ?", {ByteView(entry.idem)}, [&](const sql::Row& row) {
      old = fmt::format("entry {} ({})", row.integer(0), row.text_view(1));
      return false;
    }));
    if (old.empty()) return fail(why("log.head_corrupt"), "entry {} is stored already, above the head", edge.size());
    return fail(why("log.idem_conflict"), "key {} was used by {}, not by {}", hex(entry.idem), old, hex(entry.id));
  };

  const auto done = db.transaction([&]() -> Result<void> {
    Result<void> stored;  // the first failure inside the callback below
    for (const Entry& entry : entries) {
      const std::uint64_t index = edge.size();
      HZ_TRY(
          db.exec("INSERT INTO entry(idx, id, idem, leaf) VALUES(?, ?, ?, ?) ON CONFLICT DO NOTHING",
                  {static_cast<std::int64_t>(index), ByteView(entry.id), ByteView(entry.idem), ByteView(entry.leaf)}));
      if (db.changes() == 0) {
        answers.push_back(HZ_TRY(find_old(entry)));
        continue;
      }
      answers.push_back({index, false});
      edge.append(crypto::leaf_hash(entry.leaf), [&](const TileId& tile, std::span<const Digest> hashes) {
        if (stored) stored = put_tile(tile.level, tile.n, hashes);
      });
      HZ_TRY(stored);
    }
    if (edge.size() == state.head.size) return {};  // only repeats
    for (unsigned level = 0; level < edge.partial().size(); ++level) {
      const auto& hashes = edge.partial()[level];
      // An upper level's partial tile changes only when a tile below was completed.
      const bool same = hashes_at(level, edge.size()) == hashes_at(level, state.head.size);
      if (!hashes.empty() && !same) HZ_TRY(put_tile(level, hashes_at(level, edge.size()) / tile_width, hashes));
    }
    const Digest root = edge.root();
    checkpoint = sign_checkpoint({state.note_key.name, edge.size(), root}, *state.key);
    return db.exec("UPDATE head SET size = ?, root = ?, checkpoint = ? WHERE one = 1",
                   {static_cast<std::int64_t>(edge.size()), ByteView(root), std::string_view(checkpoint)});
  });
  if (!done) {
    if (done.error().reason->slug == "sql.io") stop_unsafe("transaction", done.error());
    return std::unexpected(done.error());
  }
  if (edge.size() == state.head.size) return answers;
  if (const auto marked = state.mark->advance(checkpoint); !marked) stop_unsafe("high-water mark", marked.error());
  state.head = {edge.size(), edge.root()};
  state.edge = std::move(edge);
  state.checkpoint = std::move(checkpoint);
  return answers;
}

}  // namespace hz::log
