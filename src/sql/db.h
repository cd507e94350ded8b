// A SQLite connection, statements and transactions. The only code that calls sqlite3_*.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>

#include "base/bytes.h"
#include "base/fs.h"

struct sqlite3;
struct sqlite3_stmt;

namespace hz::sql {

// What a parameter can be. Null is std::monostate.
using Param = std::variant<std::monostate, std::int64_t, std::string_view, ByteView>;

// One result row; valid until the next step. Columns count from 0.
class Row {
 public:
  explicit Row(sqlite3_stmt* stmt) : stmt_(stmt) {}
  std::int64_t integer(int column) const;
  std::string text(int column) const;
  std::string_view text_view(int column) const;
  ByteView blob(int column) const;
  bool is_null(int column) const;

 private:
  sqlite3_stmt* stmt_;
};

enum class Mode {
  writer,   // the one connection that writes and checkpoints: WAL, synchronous=FULL, no mmap
  reader,   // read-only, never checkpoints (Debian's 3.40.1 has the WAL-reset bug: research/log.md §5)
  scratch,  // a rebuildable file: WAL, synchronous=OFF
};

class Db {
 public:
  // ":memory:" is a path too. Errors: sql.open.
  static Result<Db> open(const fs::path& path, Mode mode);
  Db(Db&&) noexcept;
  Db& operator=(Db&&) noexcept;
  ~Db();

  // Several statements, no parameters: schemas and pragmas. Errors: sql.statement.
  Result<void> run(std::string_view script);
  // One statement with ? parameters; statements are prepared once and kept. Errors: sql.statement, sql.full,
  // sql.corrupt.
  Result<void> exec(std::string_view statement, std::initializer_list<Param> params = {});
  // Calls `each` per row; `each` returns false to stop early.
  Result<void> query(std::string_view statement, std::initializer_list<Param> params,
                     const std::function<bool(const Row&)>& each);
  // First column of the first row; nullopt when there is no row (or NULL).
  Result<std::optional<std::int64_t>> integer(std::string_view statement, std::initializer_list<Param> params = {});
  Result<std::optional<std::string>> text(std::string_view statement, std::initializer_list<Param> params = {});
  // Runs `body` in BEGIN IMMEDIATE ... COMMIT; any error rolls back.
  Result<void> transaction(const std::function<Result<void>()>& body);
  // Every query from here to end_read() sees the rows that are there now, whatever other connections write. Until then
  // nothing can be written here. Errors: as exec.
  Result<void> begin_read();
  void end_read();
  std::int64_t changes() const;
  // Rows inserted, updated or deleted since the connection was opened; one that failed or was ignored is none.
  std::int64_t rows_written() const;
  // Asked again and again while a statement runs, every few milliseconds; may wait. False ends the statement with
  // sql.busy. Empty: no more.
  void ask_meanwhile(std::function<bool()> go_on);
  // From now on this database has the pages of `source`: in one transaction, which every connection to it sees whole or
  // not at all, and whatever its own pages held. Nothing may be open here, and `source` is nobody else's meanwhile.
  // Errors: as exec; sql.corrupt when not even the first page is a database's.
  Result<void> copy_of(Db& source);
  sqlite3* raw() const;

 private:
  struct State;
  explicit Db(std::unique_ptr<State>);
  std::unique_ptr<State> state_;
};

}  // namespace hz::sql
