// Appending, in the order that makes a crash at any step harmless:
//
//   1. one transaction: entries, tiles, the keys due (places.h), head and signed checkpoint      COMMIT = synced
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
#include "log/stored_tile.h"

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

  const auto done = db.transaction([&]() -> Result<void> {
    Result<void> stored;  // the first failure inside the callback below
    for (const Entry& entry : entries) {
      const std::uint64_t index = edge.size();
      if (const auto old = HZ_TRY(state.places.find(db, index, &entry.id, &entry.idem))) {
        if (!old->by_id)
          return fail(why("log.idem_conflict"), "key {} was used by entry {} ({}), not by {}", hex(entry.idem),
                      old->index, hex(old->id), hex(entry.id));
        answers.push_back({old->index, true});
        continue;
      }
      HZ_TRY(
          db.exec("INSERT INTO entry(idx, id, idem, leaf) VALUES(?, ?, ?, ?) ON CONFLICT DO NOTHING",
                  {static_cast<std::int64_t>(index), ByteView(entry.id), ByteView(entry.idem), ByteView(entry.leaf)}));
      if (db.changes() == 0) return fail(why("log.head_corrupt"), "entry {} is stored already, above the head", index);
      state.places.add(index, entry.id, entry.idem);
      answers.push_back({index, false});
      edge.append(crypto::leaf_hash(entry.leaf), [&](const TileId& tile, std::span<const Digest> hashes) {
        if (stored) stored = put_tile(db, tile, tile_bytes(hashes));
      });
      HZ_TRY(stored);
    }
    if (edge.size() == state.head.size) return {};  // only repeats
    HZ_TRY(put_partial(db, state.head.size, edge));
    HZ_TRY(state.places.sweep(db, state.head.size, edge.size()));
    const Digest root = edge.root();
    checkpoint = sign_checkpoint({state.note_key.name, edge.size(), root}, *state.key);
    return db.exec("UPDATE head SET size = ?, root = ?, checkpoint = ? WHERE one = 1",
                   {static_cast<std::int64_t>(edge.size()), ByteView(root), std::string_view(checkpoint)});
  });
  if (!done) {
    state.places.forget();
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
