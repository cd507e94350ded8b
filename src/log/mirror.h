// A pull-mirror of another member's log: the same store as an own log, without the private key, so that
// Log::open_reader replays, proves, checks, exports and serves it, also after its origin is gone.
//
// How leaves are verified before they are stored, in bounded steps. Leaves [stored, m) are fetched as bundles and
// hashed onto the tree's right edge in memory; that gives the root of the first m leaves. If m is the size of the
// signed head, the root must be the signed one: this proves the new leaves, the old ones and that the head extends
// ours, all at once, and not one tile is fetched. If the step ends earlier, a consistency proof from (m, root) to the
// signed head, built from a few of the server's tiles, proves the same. Only then one transaction stores them.
//
// The log's key may change on the way; the log itself says so in a leaf that its root keys signed (HeadKeys). A head
// under a key that no leaf read so far names is not believed and not refused either: the leaves ahead are read for the
// change first, and thrown away; then they are fetched again and proven like all others.
//
// The simpler idea, to fetch all tiles and check each against its parent, moves 6 % more bytes and needs every tile
// checked; the other one, to store first and check the root at the end, leaves unverified entries after a crash.
#pragma once
#include <functional>
#include <optional>

#include "base/http.h"
#include "log/fork.h"
#include "log/head_keys.h"
#include "log/store.h"
#include "log/tile_edge.h"

namespace hz::log {

// What one call of pull may take.
struct PullLimits {
  std::uint64_t leaves_max = 65'536;  // at least one bundle is taken
  std::uint64_t size_bytes_max = 64 * 1024 * 1024;
};

struct Pulled {
  std::uint64_t signed_size = 0;  // the server's head
  std::uint64_t stored = 0;       // leaves stored and proven to be its first ones
  std::uint64_t leaves = 0;       // of them, stored by this call
  bool complete = false;          // the mirror's head is the server's
};

// Two heads of the log that do not fit, as a pull found them.
struct HeadConflict {
  std::string ours, theirs;      // signed notes
  std::optional<Fork> evidence;  // absent when theirs is merely older, or its server has not shown its tree
};

class Mirror {
 public:
  // Opens or begins the mirror in a folder of its own. Waits up to 10 s for another process that pulls into it, then
  // runs the check of Log::open over what is stored. Errors: log.locked, log.wrong_key when it mirrors another log,
  // log.*_corrupt, sql.*, base.write. `identify` gives the id columns of a leaf; a leaf that it refuses, or whose id
  // stands already, is stored under a name made of its position.
  // `keys` must have been read from this log only, to any position; leaves that are stored already are read here.
  static Result<Mirror> open(const fs::path& folder, std::unique_ptr<HeadKeys> keys, Identify identify,
                             Check check = Check::leaves);
  static Result<Mirror> open(const fs::path& folder, NoteKey log_key, Identify identify, Check check = Check::leaves);
  Mirror(Mirror&&) noexcept;
  Mirror& operator=(Mirror&&) noexcept;
  ~Mirror();

  const NoteKey& key() const;    // that signed head(); the log's first one before
  const Head& head() const;      // size 0 before the first complete pull
  std::uint64_t stored() const;  // leaves, proven; from head().size on when a pull is under way

  // One bounded step towards the server's head, durable on return; call again until complete. A step that looks for a
  // change of keys stores nothing, and the object remembers how far it looked. Any server of the log
  // will do, and the next call may use another. Nothing is stored on an error.
  // Errors: log.mirror_behind (a smaller head), log.mirror_forked (see conflict), log.mirror_wrong (this server lies or
  // its disk does), log.fetch, what open_checkpoint says, and the exchange's.
  Result<Pulled> pull(const http::Exchange& exchange, std::string_view prefix, const PullLimits& limits = {});
  // Both notes of the last pull that failed with log.mirror_behind or log.mirror_forked.
  const std::optional<HeadConflict>& conflict() const;

 private:
  struct State;
  explicit Mirror(std::unique_ptr<State>);
  std::unique_ptr<State> state_;
};

// The pure part of a step: hashes leaves onto the edge. `full` gets every tile that is completed.
// Cost: about 0.7 us for 600 bytes.
void grow(TileEdge& edge, std::span<const Bytes> leaves,
          const std::function<void(const TileId&, std::span<const Digest>)>& full);

}  // namespace hz::log
