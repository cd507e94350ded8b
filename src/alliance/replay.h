// Views: tables replayed from statements, in a scratch file that may be deleted at any time.
//
// Views are a pure function of (frontier, schemas, code version): the simpler idea, writing rows where a command runs,
// gives every member other rows after the first bug. So commands only append, and replay is the only writer. The file
// remembers the head it was computed from; a longer log is replayed from there on, everything else (other schema, other
// root, file of an earlier boot, damaged file) is thrown away and rebuilt.
//
// One bad statement must not stop a member: when its replay fails, its rows are undone and alliance_refused keeps the
// reason. Only errors of the disk or the database stop replay.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "alliance/member.h"
#include "base/fs.h"
#include "base/seams.h"
#include "sql/db.h"

namespace hz::alliance {

// Raised when replay code changes what it writes without changing a schema.
inline constexpr std::int64_t replay_version = 1;

// A log as replay reads it.
struct Source {
  std::string origin;
  std::uint64_t size = 0;
  Digest root{};
  // Entries [begin, end) in order.
  std::function<Result<void>(std::uint64_t begin, std::uint64_t end,
                             const std::function<Result<void>(std::uint64_t, ByteView)>&)>
      visit;
  std::function<Result<Digest>(std::uint64_t size)> root_at;
  // Moves size and root to the newest head, when this is a reader beside a writer.
  std::function<Result<void>(Source&)> refresh;
};

class Views {
 public:
  // Opens or rebuilds the file. Errors: sql.*.
  static Result<Views> open(const fs::path& path, const Mounted& mounted);
  // Throws every row away.
  Result<void> clear();
  // Replays what the log has and the views lack, in one transaction; reports progress when that is much.
  // Cost: about 16 us per statement. Errors: sql.*, log.*.
  Result<void> catch_up(Source log, Progress& progress);
  sql::Db& db() { return db_; }

 private:
  Views(fs::path path, const Mounted& mounted, sql::Db db)
      : path_(std::move(path)), mounted_(mounted), db_(std::move(db)) {}
  // How much of this log the rows stand on; nullopt when they stand on something else. Refreshes a log that lags
  // behind.
  Result<std::optional<std::uint64_t>> common_prefix(Source& log);
  Result<void> replay(const Source& log, std::uint64_t from, Progress& progress);

  fs::path path_;
  Mounted mounted_;
  sql::Db db_;
};

// SHA-256 over every row of every table, tables by name and rows sorted by all columns: equal views give equal digests.
Result<std::string> view_digest(sql::Db& db);

// The kind row of a slug among the mounted ones and the alliance's own; null when there is none.
const statement::Kind* find_kind(const Mounted& mounted, std::string_view slug);

}  // namespace hz::alliance
