#include <doctest/doctest.h>

#include <fstream>

#include "sql/db.h"
#include "sql/migrate.h"

using namespace hz;
using sql::Db;
using sql::Mode;

TEST_CASE("sql: values of every type come back as they went in, empty ones too") {
  Db db = Db::open(":memory:", Mode::writer).value();
  REQUIRE(db.run("CREATE TABLE t(i INTEGER, s TEXT NOT NULL, b BLOB NOT NULL, n ANY) STRICT"));
  const Bytes blob{0, 255, 7};
  REQUIRE(db.exec("INSERT INTO t VALUES(?,?,?,?)", {std::int64_t{-5}, std::string_view("合"), ByteView(blob), {}}));
  REQUIRE(db.exec("INSERT INTO t VALUES(?,?,?,?)", {INT64_MAX, std::string_view(), ByteView(), {}}));
  int rows = 0;
  REQUIRE(db.query("SELECT i,s,b,n FROM t ORDER BY i", {}, [&](const sql::Row& row) {
    if (rows++ == 0) {
      CHECK(row.integer(0) == -5);
      CHECK(row.text(1) == "合");
      CHECK(std::ranges::equal(row.blob(2), blob));
    } else {
      CHECK(row.integer(0) == INT64_MAX);
      CHECK(row.text(1).empty());
      CHECK(row.blob(2).empty());
    }
    CHECK(row.is_null(3));
    return true;
  }));
  CHECK(rows == 2);
}

TEST_CASE("sql: a query inside a query of the same text sees all rows") {
  Db db = Db::open(":memory:", Mode::writer).value();
  REQUIRE(db.run("CREATE TABLE t(i INTEGER); INSERT INTO t VALUES(1),(2),(3)"));
  int pairs = 0;
  const auto inner = [&](const sql::Row&) { return ++pairs, true; };
  REQUIRE(db.query("SELECT i FROM t", {},
                   [&](const sql::Row&) { return db.query("SELECT i FROM t", {}, inner).has_value(); }));
  CHECK(pairs == 9);
}

TEST_CASE("sql: wrong statements are refused with a reason, not half run") {
  Db db = Db::open(":memory:", Mode::writer).value();
  REQUIRE(db.run("CREATE TABLE t(i INTEGER PRIMARY KEY)"));
  CHECK(db.exec("INSERT INTO t VALUES(?)").error().reason->slug == "sql.statement");
  CHECK(db.exec("INSERT INTO t VALUES(1); DELETE FROM t").error().reason->slug == "sql.statement");
  CHECK(db.exec("SELEC").error().reason->slug == "sql.statement");
  CHECK(db.exec("SELECT \"no such column is not a text\"").error().reason->slug == "sql.statement");
  REQUIRE(db.exec("INSERT INTO t VALUES(1)"));
  CHECK(db.exec("INSERT INTO t VALUES(1)").error().reason->slug == "sql.constraint");
}

TEST_CASE("sql: a failed transaction leaves nothing, a failed inner one leaves the outer") {
  Db db = Db::open(":memory:", Mode::writer).value();
  REQUIRE(db.run("CREATE TABLE t(i INTEGER PRIMARY KEY)"));
  const auto insert = [&](std::int64_t i) { return db.exec("INSERT INTO t VALUES(?)", {i}); };
  CHECK_FALSE(db.transaction([&]() -> Result<void> {
    HZ_TRY(insert(1));
    return insert(1);
  }));
  CHECK(db.integer("SELECT count(*) FROM t").value() == 0);
  CHECK(db.transaction([&]() -> Result<void> {
    HZ_TRY(insert(1));
    CHECK_FALSE(db.transaction([&]() -> Result<void> {
      HZ_TRY(insert(2));
      return insert(1);
    }));
    return insert(3);
  }));
  CHECK(db.integer("SELECT sum(i) FROM t").value() == 4);
}

TEST_CASE("sql: a reader sees commits while the writer works, and cannot write or checkpoint") {
  const TempDir dir;
  const auto path = dir.path() / "x.db";
  CHECK(Db::open(path, Mode::reader).error().reason->slug == "sql.open");
  Db writer = Db::open(path, Mode::writer).value();
  REQUIRE(writer.run("CREATE TABLE t(i INTEGER)"));
  {
    Db reader = Db::open(path, Mode::reader).value();
    REQUIRE(writer.transaction([&]() -> Result<void> {
      HZ_TRY(writer.exec("INSERT INTO t VALUES(1)"));
      CHECK(reader.integer("SELECT count(*) FROM t").value() == 0);
      return {};
    }));
    CHECK(reader.integer("SELECT count(*) FROM t").value() == 1);
    CHECK_FALSE(reader.exec("INSERT INTO t VALUES(2)"));
    CHECK(reader.integer("PRAGMA wal_autocheckpoint").value() == 0);
  }
  CHECK(writer.text("PRAGMA journal_mode").value() == "wal");
  CHECK(writer.integer("PRAGMA synchronous").value() == 2);
}

TEST_CASE("sql: a file that is no database and a damaged page are both corrupt") {
  const TempDir dir;
  const auto path = dir.path() / "x.db";
  std::ofstream(path) << std::string(9000, 'x');
  CHECK(Db::open(path, Mode::writer).error().reason->slug == "sql.corrupt");
  fs::remove(path);
  {
    Db db = Db::open(path, Mode::writer).value();
    REQUIRE(db.run("CREATE TABLE t(i INTEGER PRIMARY KEY, s TEXT)"));
    for (std::int64_t i = 0; i < 500; ++i) REQUIRE(db.exec("INSERT INTO t VALUES(?,hex(randomblob(50)))", {i}));
    CHECK(sql::check_pages(db));
  }
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096 * 3);
    file << std::string(64, '\xff');
  }
  Db db = Db::open(path, Mode::writer).value();
  CHECK(sql::check_pages(db).error().reason->slug == "sql.corrupt");
}

TEST_CASE("sql: a full database rolls back and says so") {
  Db db = Db::open(":memory:", Mode::writer).value();
  REQUIRE(db.run("CREATE TABLE t(b BLOB); PRAGMA max_page_count=20"));
  const Bytes big(200'000);
  const auto r = db.transaction([&] { return db.exec("INSERT INTO t VALUES(?)", {ByteView(big)}); });
  CHECK(r.error().reason->slug == "sql.full");
  CHECK(db.integer("SELECT count(*) FROM t").value() == 0);
  CHECK(db.exec("INSERT INTO t VALUES(x'00')"));
}

TEST_CASE("sql: migrations run once, in order, and a newer file is refused") {
  const TempDir dir;
  const auto path = dir.path() / "x.db";
  const std::string_view steps[] = {"CREATE TABLE a(i INTEGER)",
                                    "ALTER TABLE a ADD COLUMN j INTEGER; CREATE TABLE b(i INTEGER)"};
  {
    Db db = Db::open(path, Mode::writer).value();
    REQUIRE(sql::migrate(db, std::span(steps).first(1)));
    REQUIRE(sql::migrate(db, steps));
    REQUIRE(sql::migrate(db, steps));
    CHECK(db.exec("INSERT INTO a VALUES(1,2)"));
  }
  Db db = Db::open(path, Mode::writer).value();
  CHECK(sql::migrate(db, std::span(steps).first(1)).error().reason->slug == "sql.newer");
}
