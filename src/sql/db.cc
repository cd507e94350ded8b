#include "sql/db.h"

#include <sqlite3.h>

#include <utility>

#include "sql/reasons.h"

namespace hz::sql {
namespace {

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
};

// Statements kept prepared per connection. Beyond this the program is building statement texts, which none should.
constexpr std::size_t statements_max = 1024;
constexpr int busy_timeout_ms = 10'000;

const Reason& reason_of(int rc) {
  // The index of the write-ahead log got no room: SQLite calls this an I/O error, and names no cause.
  if (rc == SQLITE_IOERR_SHMSIZE) return why("sql.full");
  switch (rc & 0xff) {
    case SQLITE_FULL:
      return why("sql.full");
    case SQLITE_IOERR:
      return why("sql.io");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return why("sql.corrupt");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_INTERRUPT:
      return why("sql.busy");
    case SQLITE_CONSTRAINT:
      return why("sql.constraint");
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
      return why("sql.open");
    default:
      return why("sql.statement");
  }
}

// Statement texts are ours and short of secrets; the head of one is enough to find it.
std::string_view head_of(std::string_view statement) {
  const auto start = statement.find_first_not_of(" \n\t");
  if (start == std::string_view::npos) return "(empty)";
  const auto line = statement.substr(start, 120);
  return line.substr(0, line.find('\n'));
}

}  // namespace

std::int64_t Row::integer(int column) const { return sqlite3_column_int64(stmt_, column); }
std::string Row::text(int column) const { return std::string(text_view(column)); }
std::string_view Row::text_view(int column) const {
  const auto* p = reinterpret_cast<const char*>(sqlite3_column_text(stmt_, column));
  return p ? std::string_view(p, static_cast<std::size_t>(sqlite3_column_bytes(stmt_, column))) : std::string_view();
}
ByteView Row::blob(int column) const {
  const auto* p = static_cast<const std::uint8_t*>(sqlite3_column_blob(stmt_, column));
  return p ? ByteView(p, static_cast<std::size_t>(sqlite3_column_bytes(stmt_, column))) : ByteView();
}
bool Row::is_null(int column) const { return sqlite3_column_type(stmt_, column) == SQLITE_NULL; }

struct Db::State {
  sqlite3* db = nullptr;
  std::string path;
  std::unordered_map<std::string, sqlite3_stmt*, TextHash, std::equal_to<>> statements;
  int depth = 0;  // open transactions: 0 none, 1 BEGIN, more = savepoints
  std::function<bool()> go_on = {};

  ~State() {
    clear();
    sqlite3_close(db);
  }
  void clear() {
    for (const auto& [text, stmt] : statements) sqlite3_finalize(stmt);
    statements.clear();
  }

  std::unexpected<Error> refuse(int rc, std::string_view statement) const {
    const int os_error = sqlite3_system_errno(db);
    return fail(reason_of(rc), "{}: {} ({}{}{}) in: {}", path, sqlite3_errmsg(db), sqlite3_errstr(rc),
                os_error != 0 ? ", " : "", os_error != 0 ? std::strerror(os_error) : "", head_of(statement));
  }

  Result<sqlite3_stmt*> prepare(std::string_view text, unsigned flags) {
    sqlite3_stmt* stmt = nullptr;
    const char* tail = nullptr;
    const int rc = sqlite3_prepare_v3(db, text.data(), static_cast<int>(text.size()), flags, &stmt, &tail);
    if (rc != SQLITE_OK) return refuse(rc, text);
    const std::string_view rest(tail, static_cast<std::size_t>(text.data() + text.size() - tail));
    if (!stmt || rest.find_first_not_of(" \n\t;") != std::string_view::npos) {
      sqlite3_finalize(stmt);
      return fail(why("sql.statement"), "{}: one statement expected in: {}", path, head_of(text));
    }
    return stmt;
  }
};

namespace {

// A statement in use: reset when it came from the cache, finalized when the cached one was busy (a query inside a
// query).
class Lease {
 public:
  Lease(sqlite3_stmt* stmt, bool own) : stmt_(stmt), own_(own) {}
  Lease(Lease&& other) noexcept : stmt_(std::exchange(other.stmt_, nullptr)), own_(other.own_) {}
  Lease& operator=(Lease&&) = delete;
  ~Lease() {
    if (!stmt_) return;
    if (own_) {
      sqlite3_finalize(stmt_);
    } else {
      sqlite3_reset(stmt_);
      sqlite3_clear_bindings(stmt_);
    }
  }
  sqlite3_stmt* get() const { return stmt_; }

 private:
  sqlite3_stmt* stmt_;
  bool own_;
};

int bind(sqlite3_stmt* stmt, int at, const Param& param) {
  // The caller's bytes outlive the step, so nothing is copied.
  struct Binder {
    sqlite3_stmt* stmt;
    int at;
    int operator()(std::monostate) const { return sqlite3_bind_null(stmt, at); }
    int operator()(std::int64_t n) const { return sqlite3_bind_int64(stmt, at, n); }
    int operator()(std::string_view s) const {
      return sqlite3_bind_text64(stmt, at, s.data() ? s.data() : "", s.size(), SQLITE_STATIC, SQLITE_UTF8);
    }
    int operator()(ByteView b) const {
      return b.empty() ? sqlite3_bind_zeroblob(stmt, at, 0)
                       : sqlite3_bind_blob64(stmt, at, b.data(), b.size(), SQLITE_STATIC);
    }
  };
  return std::visit(Binder{stmt, at}, param);
}

}  // namespace

Result<Db> Db::open(const fs::path& path, Mode mode) {
  auto state = std::make_unique<State>();
  state->path = path.string();
  // SQLite counts what it allocates under one lock of the process, for limits that are not used here.
  static const int counts_no_memory = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  static_cast<void>(counts_no_memory);
  // One thread at a time per connection; no connection-wide mutex is paid for.
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  flags |= mode == Mode::reader ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  const int rc = sqlite3_open_v2(path.c_str(), &state->db, flags, nullptr);
  if (rc != SQLITE_OK) return fail(why("sql.open"), "{}: {}", path.string(), sqlite3_errstr(rc));
  sqlite3_busy_timeout(state->db, busy_timeout_ms);
  const auto config = [&](int option, int on) { sqlite3_db_config(state->db, option, on, nullptr); };
  config(SQLITE_DBCONFIG_DEFENSIVE, 1);
  config(SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0);
  config(SQLITE_DBCONFIG_ENABLE_FKEY, 1);
  config(SQLITE_DBCONFIG_DQS_DDL, 0);  // "x" is a name, never silently a text
  config(SQLITE_DBCONFIG_DQS_DML, 0);
  Db db(std::move(state));
  switch (mode) {
    case Mode::writer:
      HZ_TRY(db.run("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA mmap_size=0; PRAGMA cell_size_check=ON"));
      break;
    case Mode::reader:
      // docs/decisions/0010: only a writer may checkpoint.
      sqlite3_db_config(db.state_->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
      HZ_TRY(db.run("PRAGMA wal_autocheckpoint=0; PRAGMA mmap_size=0; PRAGMA query_only=ON"));
      break;
    case Mode::scratch:
      // Larger pages than usual: what is replayed is written in long runs and read by key.
      HZ_TRY(
          db.run("PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA mmap_size=0; PRAGMA "
                 "temp_store=MEMORY"));
      break;
  }
  // The file is opened lazily: touch it now, so that "not a database" is an error of open.
  const auto probe = db.integer("SELECT count(*) FROM sqlite_schema");
  if (!probe) return std::unexpected(probe.error());
  return db;
}

Db::Db(std::unique_ptr<State> state) : state_(std::move(state)) {}
Db::Db(Db&&) noexcept = default;
Db& Db::operator=(Db&&) noexcept = default;
Db::~Db() = default;

sqlite3* Db::raw() const { return state_->db; }
std::int64_t Db::changes() const { return sqlite3_changes64(state_->db); }
std::int64_t Db::rows_written() const { return sqlite3_total_changes64(state_->db); }

Result<void> Db::run(std::string_view script) {
  const std::string text(script);
  const int rc = sqlite3_exec(state_->db, text.c_str(), nullptr, nullptr, nullptr);
  if (rc != SQLITE_OK) return state_->refuse(rc, script);
  return {};
}

Result<void> Db::exec(std::string_view statement, std::initializer_list<Param> params) {
  return query(statement, params, [](const Row&) { return true; });
}

Result<void> Db::query(std::string_view statement, std::initializer_list<Param> params,
                       const std::function<bool(const Row&)>& each) {
  State& state = *state_;
  const auto lease = [&]() -> Result<Lease> {
    const auto known = state.statements.find(statement);
    if (known != state.statements.end()) {
      if (!sqlite3_stmt_busy(known->second)) return Lease(known->second, false);
      return Lease(HZ_TRY(state.prepare(statement, 0)), true);
    }
    const bool keep = state.statements.size() < statements_max;
    sqlite3_stmt* fresh = HZ_TRY(state.prepare(statement, keep ? SQLITE_PREPARE_PERSISTENT : 0));
    if (keep) state.statements.emplace(std::string(statement), fresh);
    return Lease(fresh, !keep);
  }();
  if (!lease) return std::unexpected(lease.error());
  sqlite3_stmt* stmt = lease->get();
  if (sqlite3_bind_parameter_count(stmt) != static_cast<int>(params.size()))
    return fail(why("sql.statement"), "{}: {} parameters given, {} wanted in: {}", state.path, params.size(),
                sqlite3_bind_parameter_count(stmt), head_of(statement));
  int at = 0;
  for (const Param& param : params)
    if (const int rc = bind(stmt, ++at, param); rc != SQLITE_OK) return state.refuse(rc, statement);
  for (;;) {
    const int rc = sqlite3_step(stmt);
    if (rc == SQLITE_DONE) return {};
    if (rc != SQLITE_ROW) return state.refuse(rc, statement);
    if (!each(Row(stmt))) return {};
  }
}

Result<std::optional<std::int64_t>> Db::integer(std::string_view statement, std::initializer_list<Param> params) {
  std::optional<std::int64_t> out;
  HZ_TRY(query(statement, params, [&](const Row& row) {
    if (!row.is_null(0)) out = row.integer(0);
    return false;
  }));
  return out;
}

Result<std::optional<std::string>> Db::text(std::string_view statement, std::initializer_list<Param> params) {
  std::optional<std::string> out;
  HZ_TRY(query(statement, params, [&](const Row& row) {
    if (!row.is_null(0)) out = row.text(0);
    return false;
  }));
  return out;
}

Result<void> Db::transaction(const std::function<Result<void>()>& body) {
  State& state = *state_;
  const bool outer = state.depth == 0;
  HZ_TRY(exec(outer ? "BEGIN IMMEDIATE" : "SAVEPOINT nested"));
  ++state.depth;
  Result<void> done = body();
  --state.depth;
  if (done) done = exec(outer ? "COMMIT" : "RELEASE nested");
  if (done) return {};
  // Full disks and I/O errors may have rolled back already; then there is nothing left to undo.
  if (outer) {
    if (!sqlite3_get_autocommit(state.db)) (void)exec("ROLLBACK");
  } else if (!sqlite3_get_autocommit(state.db)) {
    (void)run("ROLLBACK TO nested; RELEASE nested");
  }
  return done;
}

void Db::ask_meanwhile(std::function<bool()> go_on) {
  constexpr int machine_steps = 20'000;
  state_->go_on = std::move(go_on);
  const auto ask = [](void* of) { return static_cast<State*>(of)->go_on() ? 0 : 1; };
  sqlite3_progress_handler(state_->db, state_->go_on ? machine_steps : 0, state_->go_on ? +ask : nullptr, state_.get());
}

Result<void> Db::copy_of(Db& source) {
  HZ_ASSERT(state_->depth == 0 && source.state_->depth == 0);
  sqlite3_backup* copy = sqlite3_backup_init(state_->db, "main", source.state_->db, "main");
  if (!copy) return state_->refuse(sqlite3_errcode(state_->db), "copy");
  (void)sqlite3_backup_step(copy, -1);
  const int rc = sqlite3_backup_finish(copy);  // says how the step ended
  if (rc != SQLITE_OK && rc != SQLITE_DONE) return state_->refuse(rc, "copy");
  return {};
}

Result<void> Db::begin_read() {
  HZ_ASSERT(state_->depth == 0);
  HZ_TRY(exec("BEGIN"));
  ++state_->depth;
  // The first read takes the snapshot, not BEGIN.
  const auto taken = integer("SELECT count(*) FROM sqlite_schema");
  if (taken) return {};
  end_read();
  return std::unexpected(taken.error());
}

void Db::end_read() {
  HZ_ASSERT(state_->depth == 1);
  --state_->depth;
  (void)exec("COMMIT");  // nothing was written
}

}  // namespace hz::sql
