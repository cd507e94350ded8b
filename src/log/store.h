// This member's own log: one writer, append-only, in one SQLite file. Formats and tables: docs/formats/log.md.
//
// What stands when append returns: the entries, every tile they touch and the signed checkpoint are in one committed
// transaction (WAL, synchronous=FULL), and the high-water mark in a second folder names the new head. A commit or sync
// that fails ends the process: after a failed fsync nobody knows what is on the disk, so nothing may be acknowledged
// any more.
#pragma once
#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/fs.h"
#include "base/seams.h"
#include "crypto/sign.h"
#include "log/checked.h"
#include "log/checkpoint.h"
#include "log/note.h"

namespace hz::log {

// One entry to append. `id` is the statement id and `idem` the idempotency key: both are unique in the log.
struct Entry {
  Bytes leaf;  // 1 to 65535 bytes
  Digest id;
  std::array<std::uint8_t, 16> idem;
};

struct Appended {
  std::uint64_t index;
  bool repeated;  // a statement of this id was there already; index is its old place
};

struct Head {
  std::uint64_t size = 0;
  Digest root{};
  bool operator==(const Head&) const = default;
};

// The head that others see (Log::publish), with its cosignatures.
struct Published {
  std::uint64_t size = 0;
  std::string note;        // each witness with its newest time: shows that the log is alive
  std::string first_note;  // each witness with its earliest time for this head: what closings count
};

// How much is recomputed before a log is used. Above leaves_at_open_max entries, `leaves` becomes `tiles`: run fsck
// then. However little it is, no entry is ever handed out that does not lead to the signed root (Log::visit).
enum class Check {
  head,    // signature of the head and the partial tiles against its root: microseconds
  tiles,   // also every tile against the tile above it: 10^6 entries about 0.1 s
  leaves,  // also every entry against its tile: 10^6 entries of 600 bytes about 0.6 s on two cores
  // As leaves, where the log is small or no record of an earlier check holds (checked.h); else the record, and every
  // entry and tile since.
  since_record,
};
inline constexpr std::uint64_t leaves_at_open_max = 4'000'000;

// What a full check found. A finding's text names the object; its reason is one of log.*_corrupt.
struct Findings {
  std::uint64_t leaves = 0;
  std::uint64_t tiles = 0;
  std::vector<Error> faults;           // at most 100 are kept
  std::vector<std::uint64_t> bundles;  // entry bundles with a damaged or missing entry, ascending; all of them
};

// Recomputes id and idem of a leaf, so that a full check covers those columns too.
struct Identity {
  Digest id;
  std::array<std::uint8_t, 16> idem;
};
using Identify = std::function<Result<Identity>(ByteView leaf)>;

// What publish_tree did.
struct PublishedTree {
  std::uint64_t size = 0;   // statements the folder shows now
  std::uint64_t files = 0;  // written by this call
};

class Mirror;

// One thread at a time per object. Any number of readers may be open, in any process, beside the one writer.
class Log {
 public:
  // An empty log with a signed checkpoint of size 0. A creation that was cut short is completed.
  // Errors: log.exists, log.origin, log.locked, sql.*, base.write.
  static Result<Log> create(const fs::path& folder, const fs::path& mark_folder, std::string_view origin,
                            crypto::SigningKey key);
  // Waits up to 10 s for another writer, then runs the start-up check: head against checkpoint, tiles and entries
  // against the root, and the head against the mark. Errors: log.missing, log.locked, log.wrong_key, log.rolled_back,
  // log.forked, log.mark_missing, log.*_corrupt, log.root_mismatch, sql.*.
  static Result<Log> open(const fs::path& folder, const fs::path& mark_folder, crypto::SigningKey key,
                          Check check = Check::leaves);
  // For reading beside a writer; needs no key. Its head moves only by refresh(). With a mark folder, a log behind its
  // mark is refused here too. Errors: as open, without key.
  static Result<Log> open_reader(const fs::path& folder, Check check = Check::head, const fs::path& mark_folder = {});
  // Makes the stored head the mark when the mark was lost. Saying so wrongly forks the log. Errors:
  // log.mark_present when it was not lost, and as open.
  static Result<void> accept_head(const fs::path& folder, const fs::path& mark_folder, crypto::SigningKey key);

  Log(Log&&) noexcept;
  Log& operator=(Log&&) noexcept;
  ~Log();

  const std::string& origin() const;
  const NoteKey& key() const;  // verifies the checkpoints
  const Head& head() const;
  const std::string& checkpoint() const;  // the signed note of head()

  // All or nothing, durable on return; the answer has one row per entry, in order. An entry whose id is in the log
  // already (or earlier in the same call) is answered with its old place. Errors: log.entry, log.idem_conflict (names
  // both), sql.full.
  Result<std::vector<Appended>> append(std::span<const Entry> entries);
  // Signs from now on with another key under the same name; the current head carries both signatures. Readers that are
  // open must be opened again after the next append. Errors: log.read_only, base.write, sql.*.
  Result<void> rekey(crypto::SigningKey key);
  // Makes a signed note of one of this log's heads the public one, durably. Lines of `witnesses` are verified and kept,
  // once each; other lines are dropped; lines of the same head published before are kept too. Errors: log.read_only,
  // log.forked when the note is not of this tree, log.publish when a larger head is public, and open_checkpoint's.
  Result<void> publish(std::string_view checkpoint, std::span<const NoteKey> witnesses);
  // The newest that was published; the head's own note when nothing ever was. In a reader it may be ahead of head().
  Result<Published> published();
  // Readers, and writers at rest: takes over the newest committed head. Errors: log.head_corrupt, log.forked when it
  // does not extend the old one, log.replaced when the file is another one now.
  Result<void> refresh();

  // The writer lets other processes write and keeps its files open: opening again costs a check of all tiles, resuming
  // a look at the head. At rest it writes nothing.
  void rest();
  // Takes the lock again, waiting up to 10 s, with what others appended meanwhile; the head is held against the mark
  // again. A log that is not at rest stays as it is. Errors: log.locked, log.replaced, log.wrong_key when the key was
  // changed meanwhile, log.rolled_back, log.forked, log.head_corrupt; it is then still at rest.
  Result<void> resume();

  // The record that since_record went by; null without one.
  const Checked* checked() const;
  // Remembers that everything below the head was read or written by this object, for the next start. A record that
  // cannot be written costs time only; nothing is written under a key that is not this log's now.
  void keep_checked(std::vector<std::uint64_t> landmarks, const crypto::SigningKey& key) const;

  Result<Bytes> leaf(std::uint64_t index);  // as visit
  // Entries [begin, end) in order, each held against its tile, and that against the tiles above it up to the signed
  // root: about 1 us an entry. Errors: log.range, log.leaf_corrupt and log.tile_corrupt, which name what is damaged,
  // and what `each` returns.
  Result<void> visit(std::uint64_t begin, std::uint64_t end,
                     const std::function<Result<void>(std::uint64_t index, ByteView leaf)>& each);
  // As visit, and each entry's stored id and idempotency key are those that its bytes have. Errors: as visit,
  // log.index_corrupt.
  Result<void> check_entries(std::uint64_t begin, std::uint64_t end, const Identify& identify);
  Result<std::optional<std::uint64_t>> find(const Digest& id);
  Result<std::optional<std::uint64_t>> find_idem(const std::array<std::uint8_t, 16>& idem);

  // The tile's hashes (width * 32 bytes) and the entry bundle, as tlog-tiles serves them. Errors: log.range.
  Result<Bytes> tile(unsigned level, std::uint64_t n, unsigned width);
  Result<Bytes> bundle(std::uint64_t n, unsigned width);
  Result<std::vector<Digest>> inclusion_proof(std::uint64_t index, std::uint64_t size);
  Result<std::vector<Digest>> consistency_proof(std::uint64_t old_size, std::uint64_t new_size);
  Result<Digest> root_at(std::uint64_t size);
  // One self-contained evidence file (tlog-proof with the leaf in `extra`) against the current head, with the head's
  // cosignatures when it is published.
  Result<std::string> prove(std::uint64_t index);

  // Everything, from the bytes up: entries, tiles, head, signature, SQLite's own page check. Names every fault.
  Result<Findings> fsck(Progress& progress, const Identify& identify = nullptr);
  // Brings a folder to the published head, as any static web server may serve it: checkpoint, tile/... and
  // tile/entries/... (C2SP tlog-tiles). Files that the folder has are kept, so that each call costs what is new.
  // Whoever reads meanwhile, or after a crash at any point, finds a checkpoint whose tiles are all there. Errors:
  // log.export when the folder holds another log or another history, or cannot be written.
  Result<PublishedTree> publish_tree(const fs::path& folder, Progress& progress);

 private:
  friend class Mirror;
  struct State;
  explicit Log(std::unique_ptr<State>);
  std::unique_ptr<State> state_;
};

}  // namespace hz::log
