// Where an id or an idempotency key stands in the log.
//
// Both are random, so a unique index on each, the obvious way, dirties two pages of its own for every entry, whatever
// the order: 200 entries wrote 400 pages, and a single one eight (docs/decisions/0154). Sorted, many keys share a page;
// so keys wait until there are many. The simplest form of that, a log-structured index, writes everything that waited
// in one go, and whoever appends just then waits too.
//
// Here the key space is cut into 64 slices by a key's first bits. Each time the log's size passes a multiple of 256, a
// sweep writes the waiting keys of one slice, the next one round; so a slice's turn comes every 16,384 entries, and
// then some 512 keys go into a 64th of the pages. A sweep belongs to the transaction of its entries. What is written
// follows from the size alone:
//
//   sweep j, at size 256 j, is of slice (j - 1) mod 64
//   table `place` holds key k of entry i   exactly when   i < swept(slice of k, size)
//
// so nothing else has to be stored to know what is missing, and a check can hold the table against the entries. Keys
// that wait, of at most 16,383 entries, are read from the entries when they are first asked for and kept in memory.
//
// A key is the first 16 bytes of the id, or the idempotency key. It only leads to entries; their own columns decide.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "crypto/hash.h"
#include "log/store.h"
#include "sql/db.h"

namespace hz::log {

using PlaceKey = std::array<std::uint8_t, 16>;

inline constexpr unsigned place_slices = 64;
inline constexpr std::uint64_t sweep_entries = 256;
// The most entries whose keys may wait.
inline constexpr std::uint64_t waiting_entries_max = place_slices * sweep_entries - 1;

PlaceKey place_key(const Digest& id);
// Of a stored column: the key, or nothing when the column is too short for one.
std::optional<PlaceKey> place_key(ByteView column);
unsigned slice_of(const PlaceKey& key);
// Keys of this slice are in the table for all entries before this one, when the log has `size` entries.
std::uint64_t swept(unsigned slice, std::uint64_t size);

class Places {
 public:
  struct Found {
    std::uint64_t index;
    Digest id;
    bool by_id;  // else by its idempotency key
  };

  // The entry of this id, else one of this idempotency key, among the first `size`; either may be left out. Cost: a
  // point query, and one scan of a slice of what waits; the first call reads what waits. Errors: sql.*.
  Result<std::optional<Found>> find(sql::Db& db, std::uint64_t size, const Digest* id, const PlaceKey* idem);

  // Within the transaction that stores entry `index`, in order, when find(db, index, ...) was asked before.
  void add(std::uint64_t index, const Digest& id, const PlaceKey& idem);
  // Within the same transaction, at its end: the sweeps due between two sizes.
  Result<void> sweep(sql::Db& db, std::uint64_t old_size, std::uint64_t new_size);
  // The transaction was rolled back: what waits is read anew.
  void forget();

 private:
  struct Waiting {
    PlaceKey key;
    std::uint64_t index;
  };
  // Knows what waits at this size.
  Result<void> know(sql::Db& db, std::uint64_t size);

  bool known_ = false;
  std::uint64_t size_ = 0;
  std::array<std::vector<Waiting>, place_slices> waiting_;  // each in the order of entries
};

// Entries in the file: those of the head, and of a mirror all that it stored, which may be more.
Result<std::uint64_t> stored_size(sql::Db& db);
// Empties the table and fills it as it has to be at `size`. Within a transaction. Cost: 10^6 entries about 3 s.
Result<void> rebuild_places(sql::Db& db, std::uint64_t size);

// A sum over (key, index) pairs in any order, to hold the table against the entries.
class PlaceSum {
 public:
  void add(const PlaceKey& key, std::uint64_t index);
  void add(const PlaceSum& other) {
    sum_ += other.sum_;
    count_ += other.count_;
  }
  bool operator==(const PlaceSum&) const = default;

 private:
  std::uint64_t sum_ = 0, count_ = 0;
};
// The table's rows of entries before `end`, and the size that says what it should hold: one moment of a file that may
// grow meanwhile.
struct StoredPlaces {
  std::uint64_t size = 0;
  PlaceSum sum;
};
Result<StoredPlaces> stored_places(sql::Db& db, std::uint64_t end);

}  // namespace hz::log
