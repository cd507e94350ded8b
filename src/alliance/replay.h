// Views: tables replayed from statements, in a scratch file that may be deleted at any time.
//
// Views are a pure function of (frontier, schemas, code version): the simpler idea, writing rows where a command runs,
// gives every member other rows after the first bug. So commands only append, and replay is the only writer. The file
// remembers the heads it was computed from; longer logs are replayed from there on, everything else (other schema,
// other root, damaged file) is thrown away and rebuilt.
//
// A small file is written without any sync, and one of an earlier boot is thrown away: a power cut may have damaged it
// in ways no check sees. A lasting file (from lasting_from statements on, where rebuilding takes long) is synced
// whenever its write-ahead log goes into it (WAL, synchronous=NORMAL): what a power cut leaves is the state after one
// of its transactions, and that names its heads. A file is one or the other from its first byte, so no connection can
// write to it the other way (docs/decisions/0144). What rots in it is found by check_views.h.
//
// Sealed bodies (body.h) are the one thing that views rest on beside the frontier: a statement whose body can be opened
// here has its rows, another one is listed in alliance_sealed only. Equal frontiers give equal rows where the same
// bodies are open, so members compare what is replayed with none (Member::rebuild_views).
//
// Many logs, one result: every row of a pillar is keyed by the member whose statement wrote it, so the order in which
// logs arrive cannot matter; what depends on several logs (keys, membership) is folded first (fold.h).
//
// One bad statement must not stop a member: when its replay fails, its rows are undone and alliance_refused keeps the
// reason. Only errors of the disk or the database stop replay. A savepoint a statement, the obvious way, makes SQLite
// copy every page that a statement touches for that statement alone; but a kind that refuses has, as a rule, written
// nothing yet. So replay first goes without, and only when a statement left rows behind and then failed, once more from
// the start with savepoints (docs/decisions/0155).
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "alliance/fold.h"
#include "alliance/member.h"
#include "alliance/source.h"
#include "base/fs.h"
#include "base/seams.h"
#include "sql/db.h"

namespace hz::alliance {

// A file of views with what SQLite keeps beside it. What is not there is no fault.
void remove_views_file(const fs::path& path);

// From so many statements on, own and mirrored, views outlive a reboot. Below, replaying them takes a third of a
// second.
inline constexpr std::uint64_t lasting_from = 20'000;

// The running system's boot id.
std::string this_boot();

class Views {
 public:
  // Opens the file of a member's views, or makes it anew. A lasting one is opened whatever is asked for; a small one is
  // not when a lasting one is. Errors: sql.*, alliance.replaying.
  static Result<Views> open(const fs::path& path, const Mounted& mounted, const std::string& own, bool lasting = false,
                            const std::string& boot = this_boot());
  // Views in memory, for one answer.
  static Result<Views> in_memory(const Mounted& mounted, const std::string& own);
  // The same in a file of its own, that this object alone uses and nothing is synced to. Errors: sql.*.
  Result<Views> beside(const fs::path& path) const;
  // From now on these rows, and every page of the file, are those of `other`, at every connection of any process; other
  // writers wait meanwhile. `before`, when given, is called first, when nobody writes: with the rows as they are.
  // Errors: sql.*; alliance.replaying when another object writes for 10 s.
  Result<void> become(Views& other, const std::function<Result<void>(sql::Db&)>& before = {});
  // Throws every row away.
  Result<void> clear();
  // Replays what the logs have and the views lack, in one transaction; reports progress when that is much. A log that
  // is not among `logs` any more, or whose head moved elsewhere, means replaying everything. Cost: about 14 us per
  // statement, and 55 us once for its signature; up to 64 MiB of memory meanwhile. Errors: sql.*, log.*.
  // `bodies` names the set of sealed bodies that can be opened now: another text than last time replays everything.
  // `go_on` is asked every 1,000 statements; its error ends the replay, and nothing is kept of it. Errors:
  // alliance.replaying when another object has replayed for 10 s. True when rows changed.
  Result<bool> catch_up(std::vector<Source> logs, Progress& progress, std::string_view bodies = {},
                        const GoOn& go_on = {});
  // How many statements of these logs the rows do not stand on. Errors: sql.*, log.*.
  Result<std::uint64_t> behind(std::vector<Source> logs);
  bool lasting() const { return lasting_; }
  sql::Db& db() { return db_; }

 private:
  Views(fs::path path, const Mounted& mounted, std::string own, bool lasting, std::string boot, sql::Db db)
      : path_(std::move(path)),
        mounted_(mounted),
        own_(std::move(own)),
        lasting_(lasting),
        boot_(std::move(boot)),
        db_(std::move(db)) {}
  // How much of each log the rows stand on; nullopt when they stand on something else. Refreshes logs that lag behind.
  Result<std::optional<Sizes>> standing_on(std::vector<Source>& logs);
  // How a pass over the logs goes, and how it went.
  struct Pass {
    Progress& progress;
    const GoOn& go_on;
    bool undo = false;  // rows of a refused statement can be undone
    bool torn = false;  // they had to be, and could not
  };
  Result<void> replay(const std::vector<Source>& logs, Sizes from, Pass& pass);
  Result<void> replay_log(const Source& log, const Judgement& judgement, std::uint64_t from, Pass& pass);
  // Deletes every row, within the caller's transaction.
  Result<void> wipe();

  fs::path path_;
  Mounted mounted_;
  std::string own_;
  bool lasting_ = false;
  std::string boot_;
  sql::Db db_;
};

// The tables of views, by name: all that rows were replayed into.
struct ViewTable {
  std::string name;
  std::vector<std::string> columns;
  std::vector<std::size_t> key;  // columns of the primary key
};
Result<std::vector<ViewTable>> view_tables(sql::Db& db);
// Every row, sorted by all columns; `line` is different for different rows.
Result<void> each_row(sql::Db& db, const ViewTable& table,
                      const std::function<void(const sql::Row& row, ByteView line)>& each);
// SHA-256 over every row of every table, tables by name and rows sorted by all columns: equal views give equal digests.
Result<std::string> view_digest(sql::Db& db);

// The kind row of a slug among the mounted ones and the alliance's own; null when there is none.
const statement::Kind* find_kind(const Mounted& mounted, std::string_view slug);

}  // namespace hz::alliance
