// What an open log holds. Shared by store.cc, append.cc, check.cc and export.cc only.
#pragma once
#include "log/mark.h"
#include "log/store.h"
#include "log/tile.h"
#include "log/tile_edge.h"
#include "sql/db.h"

namespace hz::log {

struct Log::State {
  fs::path folder;
  Fd lock;  // flock of the one writer; empty in a reader
  sql::Db db;
  NoteKey note_key;
  std::optional<crypto::SigningKey> key;  // the writer's
  std::optional<Mark> mark;               // the writer's
  Head head;
  std::string checkpoint;
  TileEdge edge;

  // The last tile read of each level. Hashes in a tile never change, so a shorter copy is still right.
  struct Kept {
    std::uint64_t n = UINT64_MAX;
    std::vector<Digest> hashes;
  };
  std::array<Kept, 8> kept;

  fs::path db_path() const { return folder / "log.db"; }
  // Reads head row and partial tiles of the current snapshot and verifies them against each other and the signature.
  Result<void> load_head();
  // Holds the head against the mark: log.rolled_back, log.forked. Returns the mark's size.
  Result<std::uint64_t> require_marked(const Mark& newest);
  // The first `width` or more hashes of a stored tile. Errors: log.tile_corrupt when it is absent or shorter.
  Result<std::span<const Digest>> hashes(unsigned level, std::uint64_t n, unsigned width);
  Result<Digest> node(crypto::Node node);
  crypto::NodeSource source() {
    return [this](crypto::Node n) { return node(n); };
  }
  // What the signed head says, recomputed from storage. Faults are collected; an error means that checking itself
  // failed.
  Result<Findings> recompute(Check check, Progress& progress, const Identify& identify) const;
  // recompute, with the first fault as the error.
  Result<void> require_sound(Check check) const;
};

}  // namespace hz::log
