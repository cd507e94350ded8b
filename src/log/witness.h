// C2SP tlog-witness: cosigns the heads of other logs, each only when it extends the newest one cosigned before.
//
// The whole worth of a witness is one sentence: it never cosigns two heads of a log of which neither extends the other.
// So comparing with the remembered head and remembering the new one are one transaction, and the signature leaves only
// after that is on the disk; otherwise two requests at once, or a power cut, could roll the memory back.
#pragma once
#include <memory>
#include <optional>

#include "base/fs.h"
#include "base/http.h"
#include "base/seams.h"
#include "log/checkpoint.h"

namespace hz::log {

inline constexpr std::size_t add_checkpoint_size_bytes_max = 128 * 1024;
inline constexpr std::size_t add_checkpoint_hashes_max = 63;

// The body of add-checkpoint: `old N`, hashes in base64, an empty line, the signed checkpoint.
struct AddCheckpoint {
  std::uint64_t old_size = 0;
  std::vector<Digest> path;
  std::string checkpoint;
  bool operator==(const AddCheckpoint&) const = default;
};
// One text, one value. Errors of parse: log.add_checkpoint (names the line), base.too_large.
Result<AddCheckpoint> parse_add_checkpoint(std::string_view body);
std::string format_add_checkpoint(const AddCheckpoint& request);

// One thread at a time per object; any number of objects and processes may share the file.
class Witness {
 public:
  // The memory lies in one SQLite file (WAL, synchronous=FULL), made when absent. The key must sign nothing else: a
  // cosignature does not name its witness. Errors: sql.*, log.origin when the name cannot name a key.
  static Result<Witness> open(const fs::path& path, std::string name, crypto::SigningKey key, Clock& clock);
  Witness(Witness&&) noexcept;
  Witness& operator=(Witness&&) noexcept;
  ~Witness();

  const NoteKey& key() const;  // verifies the cosignatures
  // The logs that are cosigned: all keys of this table, which may hold several for one origin (rotation).
  void watch(std::vector<NoteKey> logs);

  // POST <prefix>/add-checkpoint and GET <prefix>/<hex SHA-256 of origin>/checkpoint.
  //   200  our signature line; a head that was cosigned already gets a fresh time
  //   400  malformed, or old size above the checkpoint's      403  no good signature of the log
  //   404  unknown log or path                                409  other old size: body is ours, text/x.tlog.size
  //   422  the proof or the root does not hold                405  another method
  //   503  the memory cannot be written. After a device error every answer is 503 until the witness is opened anew.
  // A time is never earlier than the one before of the same log. Cost: below 1 ms of processor time, one sync.
  http::Response answer(const http::Request& request, std::string_view prefix);

  // The newest cosigned note of a log (its own signature and ours).
  Result<std::optional<std::string>> newest(std::string_view origin);
  // Evidence that the log signed two roots for one size, kept when add-checkpoint met it (docs/formats/log.md, fork).
  Result<std::optional<std::string>> fork_of(std::string_view origin);

 private:
  struct State;
  explicit Witness(std::unique_ptr<State>);
  std::unique_ptr<State> state_;
};

}  // namespace hz::log
