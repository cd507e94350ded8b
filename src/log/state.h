// What an open log holds. Shared by the .cc files of Log and by mirror.cc only.
#pragma once
#include "log/mark.h"
#include "log/places.h"
#include "log/scrub.h"
#include "log/store.h"
#include "log/tile.h"
#include "log/tile_edge.h"
#include "sql/db.h"

namespace hz::log {

struct Log::State {
  fs::path folder;
  Fd lock;  // flock of the one writer, open and not locked while it rests; empty in a reader
  sql::Db db;
  NoteKey note_key;
  std::optional<crypto::SigningKey> key;  // the writer's
  std::optional<Mark> mark;               // the writer's
  Head head;
  std::string checkpoint;
  TileEdge edge;

  // Tiles read lately, a few per level, each with the nodes inside it once asked for: a proof touches one random tile
  // of level 0, and above it always the same few. Hashes in a tile never change, so a shorter copy is still right.
  struct Kept {
    std::uint64_t n = UINT64_MAX;
    std::vector<Digest> hashes;
    std::array<std::vector<std::optional<Digest>>, 8> inner = {};  // [h][i]: the node h levels above hash i << h
    bool proven = false;  // a full tile that leads to the root of a head this object held
  };
  static constexpr std::size_t kept_per_level = 16;
  std::array<std::array<Kept, kept_per_level>, 8> kept = {};  // a tile's place is n % kept_per_level
  bool resting = false;                                       // a writer without its lock
  Inode file = {};                                            // log.db when it was opened

  fs::path mark_path = {};  // the writer's
  Inode lock_file = {};     // writer.lock
  std::string vkey = {};    // the writer's key, as the file has it
  std::optional<Checked> checked = {};
  Places places = {};
  std::int64_t repaired = 0;  // of the file, when `places` was last right

  fs::path db_path() const { return folder / "log.db"; }
  // Reads head row and partial tiles of the current snapshot and verifies them against each other and the signature.
  Result<void> load_head();
  // Moves to the newest committed head, which must extend this one; to write, the log must still have this writer's
  // key. Errors: as Log::refresh, log.wrong_key.
  Result<void> advance(bool to_write);
  bool may_write() const { return key && !resting; }
  // Holds the head against the mark: log.rolled_back, log.forked. Returns the mark's size.
  Result<std::uint64_t> require_marked(const Mark& newest);
  // The first `width` or more hashes of a stored tile. Errors: log.tile_corrupt when it is absent or shorter.
  Result<Kept*> kept_tile(unsigned level, std::uint64_t n, unsigned width);
  Result<std::span<const Digest>> hashes(unsigned level, std::uint64_t n, unsigned width);
  // A tile that leads to the root of the head, as wide as the head makes it. Errors: log.tile_corrupt.
  Result<std::span<const Digest>> proven(unsigned level, std::uint64_t n);
  // As Log::visit.
  Result<void> visit(std::uint64_t begin, std::uint64_t end,
                     const std::function<Result<void>(std::uint64_t index, ByteView leaf)>& each);
  Result<Digest> node(crypto::Node node);
  crypto::NodeSource source() {
    return [this](crypto::Node n) { return node(n); };
  }
  // What the signed head says, recomputed from storage. Faults are collected; an error means that checking itself
  // failed.
  Result<Findings> recompute(Check check, Progress& progress, const Identify& identify) const;
  // recompute, with the first fault as the error.
  Result<void> require_sound(Check check);
  // A record holds, and what came since is sound.
  Result<bool> sound_since_record();
  // This file mirrors another member's log.
  Result<bool> mirrors();
  // The published row; the head's own note when there is none.
  Result<Published> published();
  // The head's note, with its cosignatures when it is the published one.
  Result<std::string> shown_checkpoint();
};

// What the signed head says, recomputed from the file. Faults are collected; an error means that checking itself
// failed. With a pace one thread reads; without, all of them.
Result<Findings> recompute_log(const fs::path& db_path, const Head& head, Check check, Progress& progress,
                               const Identify& identify, const Pace& pace = {});
// The key that the file names for its log. Errors: log.missing, log.head_corrupt.
Result<NoteKey> stored_key(sql::Db& db, const fs::path& path);

// The lock ends with the process that holds it, however it ends. Waits up to 10 s. Errors: log.locked, base.write.
Result<Fd> lock_writer(const fs::path& folder);
Result<void> lock_again(const Fd& fd, const fs::path& folder);
// The file of an own or a mirrored log at the newest schema. A writer holds the lock; a reader of an older file takes
// it for the time that bringing it up takes. Errors: log.missing, log.locked, sql.*.
Result<sql::Db> open_db(const fs::path& folder, sql::Mode mode);
// After a device error nobody knows what is stored: says so and ends the process.
[[noreturn]] void stop_unsafe(std::string_view step, const Error& error);

}  // namespace hz::log
