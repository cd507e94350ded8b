#include "alliance/replay.h"

#include <fcntl.h>
#include <malloc.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <unordered_map>

#include "alliance/audience.h"
#include "alliance/fork_evidence.h"
#include "alliance/kinds.h"
#include "alliance/reasons.h"
#include "alliance/source_digest.h"
#include "alliance/sql_text.h"
#include "crypto/hash.h"
#include "sql/reasons.h"
#include "statement/sign.h"

namespace hz::alliance {
namespace {

using KindMap = std::unordered_map<std::string_view, const statement::Kind*>;

KindMap kind_map(const Mounted& mounted) {
  KindMap out;
  for (const statement::Kind& kind : kinds()) out.emplace(kind.slug, &kind);
  for (const statement::Kind& kind : mounted.kinds) out.emplace(kind.slug, &kind);
  return out;
}

constexpr auto replay_wait = std::chrono::seconds(10);

// In place of a boot id; no boot id is so short.
const std::string any_boot = "any";

std::string version_digest(const Mounted& mounted, std::string_view own, std::string_view boot) {
  crypto::Sha256 hash;
  hash.update(as_bytes(fmt::format("hezong/views/v2\n{}\n{}\n{}\n", source_digest, boot, own)));
  hash.update(as_bytes(sql_text::views));
  for (const std::string_view schema : mounted.view_schemas) hash.update(as_bytes(schema));
  for (const statement::Kind& kind : mounted.kinds) hash.update(as_bytes(fmt::format("{}\n", kind.slug)));
  return hex(hash.finish());
}

constexpr std::string_view meta_schema =
    "CREATE TABLE alliance_views(version TEXT NOT NULL, bodies TEXT NOT NULL) STRICT;";

Result<void> make_tables(sql::Db& db, const Mounted& mounted, std::string_view own, std::string_view boot) {
  return db.transaction([&]() -> Result<void> {
    HZ_TRY(db.run(meta_schema));
    HZ_TRY(db.run(sql_text::views));
    for (const std::string_view schema : mounted.view_schemas) HZ_TRY(db.run(schema));
    HZ_TRY(db.exec("INSERT INTO alliance_self VALUES(?)", {own}));
    return db.exec("INSERT INTO alliance_views VALUES(?, '')", {version_digest(mounted, own, boot)});
  });
}

std::unexpected<Error> busy(const fs::path& path) {
  return fail(why("alliance.replaying"), "{}: another command or node replays them", path.string());
}

// Held while the file is judged, removed or made (two commands may start at once, and both may find it stale), and
// while it is written: SQLite 3.40.1 may damage a database to which two connections commit and checkpoint at the same
// moment (docs/decisions/0010), a lasting one is not replayed anew at the next boot, and rows that are put in place of
// damaged ones must not fall behind what was replayed meanwhile.
Result<Fd> lock_file(const fs::path& path) {
  const std::string name = path.string() + ".lock";
  Fd fd(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return fail(hz::why("base.write"), "{}: {}", name, std::strerror(errno));
  const auto deadline = std::chrono::steady_clock::now() + replay_wait;
  while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR)
      return fail(hz::why("base.write"), "{}: {}", name, std::strerror(errno));
    if (std::chrono::steady_clock::now() > deadline) return busy(path);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return fd;
}

// Before anything is written through this connection.
Result<void> sync_at_checkpoints(sql::Db& db) { return db.run("PRAGMA synchronous=NORMAL"); }

// Statements from which on replay says how far it is, and takes memory to be quick.
constexpr std::uint64_t worth_showing = 5000;

// Keeps in memory the pages that replay comes back to: in SQLite's 2 MiB they do not stay, and are written to the file
// and read from it again and again. Given back at the end.
class LargeCache {
 public:
  explicit LargeCache(sql::Db& db) : db_(db) { static_cast<void>(db_.run("PRAGMA cache_size=-65536")); }
  LargeCache(LargeCache&&) = delete;
  ~LargeCache() {
    static_cast<void>(db_.run("PRAGMA cache_size=-2000; PRAGMA shrink_memory"));
    ::malloc_trim(0);  // what was freed lies between what was not; a node that only waits would keep it for good
  }

 private:
  sql::Db& db_;
};

// Statements of the logs that rows lack which stand on `from`: all, when they stand on something else.
std::uint64_t lacking(const std::vector<Source>& logs, const std::optional<Sizes>& from) {
  std::uint64_t out = 0;
  for (const Source& log : logs) out += log.size - (from ? from->at(log.origin) : 0);
  return out;
}

// Errors of the machine stop replay; all others are about the statement.
bool is_machine_error(const Error& error) {
  for (const std::string_view slug : {"sql.open", "sql.busy", "sql.full", "sql.io", "sql.corrupt", "base.read"})
    if (error.reason->slug == slug) return true;
  return false;
}

// Lists the statement as sealed, and fills its body in when that can be opened. True when it was.
Result<bool> open_body(sql::Db& db, const Source& log, std::uint64_t index, statement::Statement& s) {
  const auto audience = Audience::of_header(s.audience, s.issuer);
  const std::string readers = audience ? audience->format() : std::string("unknown");
  // Listed first: it is sealed, whatever its blobs hold. Where a log holds it twice, the first place stands.
  HZ_TRY(db.exec("INSERT OR IGNORE INTO alliance_sealed VALUES(?,?,?,?,?,?,0)",
                 {log.origin, static_cast<std::int64_t>(index), s.id_text(), s.issuer, s.kind, readers}));
  for (const std::string& blob : s.seal->blobs)
    HZ_TRY(db.exec("INSERT OR REPLACE INTO alliance_sealed_blob VALUES(?,?,?,?,0)",
                   {blob, s.id_text(), s.issuer, readers}));
  std::optional<json::Value> body;
  if (log.open) body = HZ_TRY(log.open(s));
  if (!body) return false;
  HZ_TRY(db.exec("UPDATE alliance_sealed SET opened = 1 WHERE origin = ? AND idx = ?",
                 {log.origin, static_cast<std::int64_t>(index)}));
  s.body = *std::move(body);
  return true;
}

// One statement that counts: its position's key must have signed it, and its kind's replay must accept it. Rows that
// were written before replay refused are undone when there is `undo`; else `torn` is set, and an error returned.
Result<void> replay_one(sql::Db& db, const KindMap& known, const Source& log, const Authority& authority,
                        std::uint64_t index, ByteView leaf, bool undo, bool& torn) {
  const auto refuse = [&](std::string_view kind, const Error& error) {
    return db.exec("INSERT INTO alliance_refused VALUES(?,?,?,?,?)",
                   {log.origin, static_cast<std::int64_t>(index), kind, error.reason->slug, error.detail});
  };
  auto read = statement::read_leaf(leaf, log.origin, index);
  if (!read) return refuse("", read.error());
  statement::Statement& s = *read;
  HZ_TRY(db.exec("INSERT INTO alliance_statement VALUES(?,?,?,?,?,?)",
                 {log.origin, static_cast<std::int64_t>(index), ByteView(s.id), s.kind, s.issuer, s.issued_ms}));
  if (is_act(s.kind)) return {};  // folded before
  const auto frame = statement::decode_leaf(leaf);
  if (const auto speaks = check_key_ids(authority, *frame, s); !speaks) return refuse(s.kind, speaks.error());
  if (index >= log.verified->size) {
    if (const auto holds = check_signatures(authority, *frame, s); !holds) {
      log.verified->bad.insert(index);
      return refuse(s.kind, holds.error());
    }
  } else if (log.verified->bad.contains(index)) {
    if (const auto holds = check_signatures(authority, *frame, s); !holds) return refuse(s.kind, holds.error());
  }
  if (s.seal) {
    const auto opened = open_body(db, log, index, s);
    if (!opened && is_machine_error(opened.error())) return std::unexpected(opened.error());
    if (!opened) return refuse(s.kind, opened.error());
    if (!*opened) return {};
  }
  const auto found = known.find(s.kind);
  if (found == known.end()) return {};  // a kind of a newer program: kept in the log, ignored here
  const statement::Kind& kind = *found->second;
  const std::string_view role = kind.may_sign == statement::Signer::root ? "root" : "author";
  if (s.role != role)
    return refuse(s.kind, Error{&why("alliance.role"), fmt::format("signed as {}, must be {}", s.role, role)});
  const std::int64_t before = db.rows_written();
  const Result<void> done = undo ? db.transaction([&] { return kind.replay(db, s); }) : kind.replay(db, s);
  if (done) return {};
  if (is_machine_error(done.error())) return done;
  torn = !undo && db.rows_written() != before;
  return torn ? done : refuse(s.kind, done.error());
}

}  // namespace

const statement::Kind* find_kind(const Mounted& mounted, std::string_view slug) {
  for (const statement::Kind& kind : kinds())
    if (kind.slug == slug) return &kind;
  for (const statement::Kind& kind : mounted.kinds)
    if (kind.slug == slug) return &kind;
  return nullptr;
}

void remove_views_file(const fs::path& path) {
  std::error_code ignored;
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) fs::remove(path.string() + suffix, ignored);
}

std::string this_boot() {
  const auto text = read_text("/proc/sys/kernel/random/boot_id", 100);
  return text ? *text : "unknown";
}

Result<Views> Views::open(const fs::path& path, const Mounted& mounted, const std::string& own, bool lasting,
                          const std::string& boot) {
  const Fd lock = HZ_TRY(lock_file(path));
  auto opened = sql::Db::open(path, sql::Mode::scratch);
  const auto full = [](const auto& result) { return !result && result.error().reason->slug == "sql.full"; };
  if (full(opened)) return std::unexpected(opened.error());  // it cannot be read, and may be as it should
  if (opened) {
    const auto version = opened->text("SELECT version FROM alliance_views");
    if (full(version)) return std::unexpected(version.error());
    if (version && *version == version_digest(mounted, own, any_boot)) {
      HZ_TRY(sync_at_checkpoints(*opened));
      return Views(path, mounted, own, true, boot, *std::move(opened));
    }
    if (!lasting && version && *version == version_digest(mounted, own, boot))
      return Views(path, mounted, own, false, boot, *std::move(opened));
  }
  opened = fail(hz::sql::why("sql.open"), "closed");  // the handle must be gone before the file is
  remove_views_file(path);
  auto db = HZ_TRY(sql::Db::open(path, sql::Mode::scratch));
  if (lasting) HZ_TRY(sync_at_checkpoints(db));
  HZ_TRY(make_tables(db, mounted, own, lasting ? any_boot : boot));
  return Views(path, mounted, own, lasting, boot, std::move(db));
}

Result<Views> Views::in_memory(const Mounted& mounted, const std::string& own) {
  auto db = HZ_TRY(sql::Db::open(":memory:", sql::Mode::scratch));
  HZ_TRY(make_tables(db, mounted, own, any_boot));
  return Views({}, mounted, own, false, any_boot, std::move(db));
}

Result<Views> Views::beside(const fs::path& path) const {
  remove_views_file(path);
  auto db = HZ_TRY(sql::Db::open(path, sql::Mode::scratch));
  // One large transaction: a write-ahead log would hold every page a second time. Savepoints are undone from memory.
  HZ_TRY(db.run("PRAGMA journal_mode=MEMORY"));
  HZ_TRY(make_tables(db, mounted_, own_, lasting_ ? any_boot : boot_));
  return Views({}, mounted_, own_, lasting_, boot_, std::move(db));
}

Result<void> Views::become(Views& other, const std::function<Result<void>(sql::Db&)>& before) {
  const Fd lock = HZ_TRY(lock_file(path_));
  // A connection of its own: the one that is kept may have met a damaged page.
  auto fresh = HZ_TRY(sql::Db::open(path_, sql::Mode::scratch));
  // What was put right is right after a power cut too.
  if (lasting_) HZ_TRY(fresh.run("PRAGMA synchronous=FULL"));
  if (before) HZ_TRY(before(fresh));
  return fresh.copy_of(other.db_);
}

Result<void> Views::clear() {
  const Fd lock = HZ_TRY(lock_file(path_));
  db_ = HZ_TRY(sql::Db::open(":memory:", sql::Mode::scratch));
  remove_views_file(path_);
  db_ = HZ_TRY(sql::Db::open(path_, sql::Mode::scratch));
  if (lasting_) HZ_TRY(sync_at_checkpoints(db_));
  return make_tables(db_, mounted_, own_, lasting_ ? any_boot : boot_);
}

Result<std::uint64_t> Views::behind(std::vector<Source> logs) {
  const auto from = HZ_TRY(standing_on(logs));
  return lacking(logs, from);
}

Result<void> Views::wipe() {
  std::vector<std::string> tables;
  HZ_TRY(
      db_.query("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT IN "
                "('alliance_views', 'alliance_self')",
                {}, [&](const sql::Row& row) {
                  tables.push_back(row.text(0));
                  return true;
                }));
  for (const std::string& table : tables) HZ_TRY(db_.exec(fmt::format("DELETE FROM \"{}\"", table)));
  return {};
}

Result<std::optional<Sizes>> Views::standing_on(std::vector<Source>& logs) {
  Sizes out;
  std::map<std::string, std::string> roots;
  HZ_TRY(db_.query("SELECT origin, size, root FROM alliance_log", {}, [&](const sql::Row& row) {
    out[row.text(0)] = static_cast<std::uint64_t>(row.integer(1));
    roots[row.text(0)] = row.text(2);
    return true;
  }));
  for (Source& log : logs) {
    const auto found = out.find(log.origin);
    if (found == out.end()) {
      out[log.origin] = 0;
      continue;
    }
    const std::uint64_t from = found->second;
    // Another command may have appended and replayed since this one read the head.
    if (from > log.size) HZ_TRY(log.refresh(log));
    if (from > log.size || hex(from == log.size ? log.root : HZ_TRY(log.root_at(from))) != roots[log.origin])
      return std::optional<Sizes>();
  }
  if (out.size() != logs.size()) return std::optional<Sizes>();  // a log is gone
  return std::optional(std::move(out));
}

Result<bool> Views::catch_up(std::vector<Source> logs, Progress& progress, std::string_view bodies, const GoOn& go_on) {
  std::ranges::sort(logs, {}, &Source::origin);
  const auto current = [&](const Sizes& from) {
    return std::ranges::all_of(logs, [&](const Source& log) { return from.at(log.origin) == log.size; });
  };
  // The bodies that these rows stand on are these, or no statement here is sealed.
  const auto same_bodies = [&]() -> Result<bool> {
    return HZ_TRY(db_.text("SELECT bodies FROM alliance_views")).value_or("") == bodies ||
           HZ_TRY(db_.integer("SELECT count(*) FROM (SELECT 1 FROM alliance_sealed LIMIT 1)")).value_or(0) == 0;
  };
  auto seen = HZ_TRY(standing_on(logs));
  if (seen && !HZ_TRY(same_bodies())) seen.reset();
  if (seen && current(*seen)) return false;
  bool changed = false, begun = false;
  const Fd turn = path_.empty() ? Fd() : HZ_TRY(lock_file(path_));
  std::optional<LargeCache> cache;
  if (lacking(logs, seen) >= worth_showing) cache.emplace(db_);
  Pass pass{progress, go_on};
  const auto replayed = [&]() -> Result<void> {
    begun = true;
    // Asked again under the write lock: another command may have replayed meanwhile.
    auto from = HZ_TRY(standing_on(logs));
    if (!from || !HZ_TRY(same_bodies())) {
      HZ_TRY(wipe());
      from = HZ_TRY(standing_on(logs));
    }
    HZ_TRY(db_.exec("UPDATE alliance_views SET bodies = ?", {bodies}));
    if (current(*from)) return {};
    changed = true;
    return replay(logs, *std::move(from), pass);
  };
  auto done = db_.transaction(replayed);
  if (pass.torn) {
    pass.undo = true;
    pass.torn = false;
    done = db_.transaction(replayed);
  }
  if (!done && !begun && done.error().reason->slug == "sql.busy") return busy(path_);
  HZ_TRY(done);
  return changed;
}

Result<void> Views::replay(const std::vector<Source>& logs, Sizes from, Pass& pass) {
  auto before = HZ_TRY(Judgement::load(db_, own_, &read_fork));
  Judgement now = before;
  for (const Source& log : logs) HZ_TRY(now.scan(db_, log, from.at(log.origin)));
  Sizes sizes;
  for (const Source& log : logs) sizes[log.origin] = log.size;
  HZ_TRY(before.finish({}, from));
  HZ_TRY(now.finish(logs, sizes));
  const auto judged_otherwise = [&](const Source& log) {
    const std::uint64_t size = from.at(log.origin);
    return size > 0 && before.about(log.origin, size) != now.about(log.origin, size);
  };
  if (std::ranges::any_of(logs, judged_otherwise)) {
    HZ_TRY(wipe());
    for (auto& [origin, size] : from) size = 0;
    now = HZ_TRY(Judgement::load(db_, own_, &read_fork));
    for (const Source& log : logs) HZ_TRY(now.scan(db_, log, 0));
    HZ_TRY(now.finish(logs, sizes));
  }
  for (const Source& log : logs) HZ_TRY(replay_log(log, now, from.at(log.origin), pass));
  return now.write(db_);
}

Result<void> Views::replay_log(const Source& log, const Judgement& judgement, std::uint64_t from, Pass& pass) {
  const Authority* authority = judgement.authority(log.origin);
  const auto& standings = judgement.membership().standings;
  const auto standing = standings.find(log.origin);
  if (authority && standing != standings.end()) {
    const KindMap known = kind_map(mounted_);
    const bool show = log.size - from >= worth_showing;
    if (show) pass.progress.phase("replaying statements", static_cast<std::int64_t>(log.size - from));
    for (const Range& range : standing->second.counted) {
      const std::uint64_t begin = std::max(range.begin, from), end = std::min(range.end, log.size);
      if (begin >= end) continue;
      HZ_TRY(log.visit(begin, end, [&](std::uint64_t index, ByteView leaf) -> Result<void> {
        if (show && (index - from) % 1000 == 0) pass.progress.step(static_cast<std::int64_t>(index - from));
        if (pass.go_on && (index - from) % 1000 == 999) HZ_TRY(pass.go_on());
        HZ_TRY(replay_one(db_, known, log, *authority, index, leaf, pass.undo, pass.torn));
        if (index == log.verified->size) ++log.verified->size;  // without gaps only
        return {};
      }));
    }
  }
  return db_.exec(
      "INSERT INTO alliance_log VALUES(?,?,?) ON CONFLICT(origin) DO UPDATE SET size=excluded.size, root=excluded.root",
      {log.origin, static_cast<std::int64_t>(log.size), hex(log.root)});
}

Result<std::vector<ViewTable>> view_tables(sql::Db& db) {
  std::vector<ViewTable> out;
  HZ_TRY(
      db.query("SELECT m.name, c.name, c.pk FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = "
               "'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT IN ('alliance_views', 'alliance_self') ORDER BY "
               "m.name, c.cid",
               {}, [&](const sql::Row& row) {
                 if (out.empty() || out.back().name != row.text_view(0)) out.push_back({row.text(0), {}, {}});
                 if (row.integer(2) > 0) out.back().key.push_back(out.back().columns.size());
                 out.back().columns.push_back(row.text(1));
                 return true;
               }));
  return out;
}

Result<void> each_row(sql::Db& db, const ViewTable& table,
                      const std::function<void(const sql::Row& row, ByteView line)>& each) {
  std::string order;
  for (std::size_t i = 1; i <= table.columns.size(); ++i) order += fmt::format("{}{}", i > 1 ? "," : "", i);
  Bytes line;
  return db.query(fmt::format("SELECT * FROM \"{}\" ORDER BY {}", table.name, order), {}, [&](const sql::Row& row) {
    line.clear();
    for (std::size_t c = 0; c < table.columns.size(); ++c) {
      // Length and bytes: no two different rows give the same line.
      if (row.is_null(static_cast<int>(c))) {
        line.push_back('n');
        continue;
      }
      const ByteView bytes = row.blob(static_cast<int>(c));
      line.push_back('v');
      put_be(line, static_cast<std::uint32_t>(bytes.size()));
      put(line, bytes);
    }
    line.push_back('\n');
    each(row, line);
    return true;
  });
}

Result<std::string> view_digest(sql::Db& db) {
  crypto::Sha256 hash;
  for (const ViewTable& table : HZ_TRY(view_tables(db))) {
    hash.update(as_bytes(fmt::format("table {}\n", table.name)));
    HZ_TRY(each_row(db, table, [&](const sql::Row&, ByteView line) { hash.update(line); }));
  }
  return hex(hash.finish());
}

}  // namespace hz::alliance
