// Bytes of the views' file that really change: which answers are wrong, and that they are found and put right.
#include "alliance/check_views.h"

#include <fcntl.h>
#include <unistd.h>

#include "alliance/test_alliance.h"
#include "log/store.h"
#include "sql/db.h"

using namespace hz;
using namespace hz::alliance;
using namespace hz::alliance::test;

namespace {

// A member with facts, whose views are of either sort, and whose connections are closed where bytes change.
struct World {
  Alliance all{2, 11};
  const bool lasting;
  Member& member = all.members[0];
  const fs::path file = member.home() / "views.sqlite";

  explicit World(bool lasts) : lasting(lasts) {
    if (lasting) {
      fs::remove(file);
      REQUIRE(Views::open(file, Alliance::mounted(), member.origin(), true));
    }
    std::vector<Draft> drafts;
    for (int i = 0; i < 400; ++i) drafts.push_back(draft(Fact{fmt::format("marked-{:03}", i), 1000 + i}));
    REQUIRE(member.append(drafts));
    REQUIRE(member.views());
  }
  Member again() { return Member::open(member.home(), Alliance::mounted(), all.seams()).value(); }
  // All is in the one file, and nobody has it open.
  void close() {
    member = again();
    sql::Db db = sql::Db::open(file, sql::Mode::scratch).value();
    REQUIRE(db.run("PRAGMA wal_checkpoint(TRUNCATE)"));
  }
  // The `nth` place in the file where this text stands becomes another text. How many there were.
  std::size_t flip(std::string_view text, std::size_t nth) {
    close();
    const Bytes bytes = read_file(file, 64u << 20).value();
    const std::string_view all_bytes = as_text(bytes);
    std::vector<std::size_t> at;
    for (auto found = all_bytes.find(text); found != std::string_view::npos; found = all_bytes.find(text, found + 1))
      at.push_back(found);
    if (nth >= at.size()) return at.size();
    const Fd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
    const char other = static_cast<char>(text.back() ^ 1);
    REQUIRE(::pwrite(fd.get(), &other, 1, static_cast<off_t>(at[nth] + text.size() - 1)) == 1);
    return at.size();
  }
  static std::int64_t facts(Member& of, std::string_view name) {
    return of.views().value()->integer("SELECT count(*) FROM test_fact WHERE name = ?", {name}).value().value_or(-1);
  }
  // Every row through the table itself.
  static std::string names(Member& of) {
    return of.views()
        .value()
        ->text("SELECT group_concat(name) FROM (SELECT name FROM test_fact NOT INDEXED ORDER BY number, name)")
        .value()
        .value_or("");
  }
  ViewsCheck check() {
    Member own = again();
    return own.check_views({}).value();
  }
};

}  // namespace

TEST_CASE("views check: sound views are as the logs say, and nothing is replaced") {
  for (const bool lasting : {false, true}) {
    World w(lasting);
    const ViewsCheck found = w.check();
    CHECK(found.faults.empty());
    CHECK(found.statements == w.all.members[0].log().head().size);
    CHECK(found.size_bytes > 0);
    CHECK_FALSE(fs::exists(w.member.home() / "views.beside.sqlite"));
  }
}

TEST_CASE("views check: a byte flipped in a stored value gives a wrong answer; it is named, and put right for all") {
  for (const bool lasting : {false, true}) {
    CAPTURE(lasting);
    World w(lasting);
    const std::string right = World::names(w.member);
    // In the table, not in an index or in what an old page left.
    while (World::names(w.member) == right) REQUIRE(w.flip("marked-123", 0) > 0);
    Member beside = w.again();  // reads the wrong row, and keeps its connection
    CHECK(World::names(beside).find("marked-122,marked-122,") != std::string::npos);  // 3 ^ 1 = 2

    const ViewsCheck found = w.check();
    REQUIRE(!found.faults.empty());
    std::string said;
    for (const ViewsFault& one : found.faults) said += fmt::format("{}: {}\n", one.table, one.detail);
    INFO(said);
    CHECK(found.faults.front().table == "test_fact");
    CHECK((World::names(beside) == right));
    Member later = w.again();
    CHECK((World::names(later) == right));
    CHECK(w.check().faults.empty());
    CHECK(Views::open(w.file, Alliance::mounted(), w.member.origin(), false).value().lasting() == lasting);
  }
}

TEST_CASE("views check: wherever a text stands in the file, table or index, a changed one is found") {
  for (std::size_t nth = 0, places = 1; nth < places; ++nth) {
    CAPTURE(nth);
    World w(true);
    places = w.flip("marked-300", nth);
    REQUIRE(places > 0);
    CHECK(!w.check().faults.empty());
    CHECK(w.check().faults.empty());
    CHECK(World::facts(w.member, "marked-300") == 1);
  }
}

TEST_CASE("views check: a number, a lost row, a row too much, a changed view: each is named by its table and key") {
  World w(true);
  const auto damage = [&](std::string_view statement) {
    w.close();
    sql::Db db = sql::Db::open(w.file, sql::Mode::scratch).value();
    REQUIRE(db.exec(statement));
    const ViewsCheck found = w.check();
    REQUIRE(found.faults.size() == 1);
    CHECK(w.check().faults.empty());
    return found.faults[0].table + ": " + found.faults[0].detail;
  };
  CHECK(damage("UPDATE test_fact SET number = 7 WHERE name = 'marked-017'").find("1 of ") != std::string::npos);
  CHECK(damage("UPDATE test_fact SET number = 7 WHERE name = 'marked-017'").ends_with("marked-017, in number"));
  CHECK(damage("DELETE FROM test_fact WHERE name = 'marked-399'").find("marked-399") != std::string::npos);
  CHECK(damage("UPDATE alliance_statement SET kind = 'test.fict' WHERE idx = 5").starts_with("alliance_statement: "));
  CHECK(damage("DROP VIEW public_alliance_self").starts_with("schema: "));
}

TEST_CASE("views check: a file that SQLite cannot read any more is replayed anew, also at connections that are open") {
  for (const bool first_page : {false, true}) {
    CAPTURE(first_page);
    World w(true);
    const std::string right = World::names(w.member);
    // Every table begins, and every line of the schema stands, before it: the file still opens.
    const off_t rows_at = w.member.views()
                              .value()
                              ->integer(
                                  "SELECT max(rootpage) * (SELECT page_size FROM pragma_page_size) FROM "
                                  "sqlite_schema")
                              .value()
                              .value();
    w.close();
    {
      const auto size = static_cast<off_t>(fs::file_size(w.file));
      REQUIRE(rows_at < size);
      const Fd fd(::open(w.file.c_str(), O_WRONLY | O_CLOEXEC));
      const std::string noise(3000, '#');
      for (off_t at = first_page ? 0 : rows_at; at < (first_page ? 4096 : size); at += 4096)
        REQUIRE(::pwrite(fd.get(), noise.data(), noise.size(), at) == static_cast<ssize_t>(noise.size()));
    }
    const ViewsCheck found = w.check();
    // Without a first page it is no database: it is made anew when it is opened.
    CHECK(found.faults.empty() == first_page);
    CHECK((World::names(w.member) == right));
    CHECK(w.check().faults.empty());
  }
}

TEST_CASE("views check: a member that signs, and views that move on meanwhile, are no damage") {
  World w(true);
  std::vector<Draft> many;
  for (int i = 0; i < 2500; ++i) many.push_back(draft(Fact{fmt::format("many-{}", i), i}));
  REQUIRE(w.member.append(many));
  Member own = w.again();
  int asked = 0, added = 0;
  const auto found = own.check_views([&]() -> Result<void> {
    if (asked == 0) {
      const auto second = w.again().check_views({});
      REQUIRE(!second);
      CHECK(second.error().reason->slug == "alliance.views_busy");
    }
    if (++asked % 5 == 1 && added < 20) {
      REQUIRE(w.member.append(draft(Fact{fmt::format("new-{}", added++), 1})));
      REQUIRE(w.member.views());
      REQUIRE(w.member.rest());
    }
    return {};
  });
  REQUIRE(found);
  CHECK(added > 1);
  CHECK(found->faults.empty());
  CHECK(World::facts(w.member, "new-0") == 1);
  // Asked to stop, it stops, and leaves everything as it was.
  asked = 0;
  const auto stopped = own.check_views([&]() -> Result<void> {
    if (++asked < 4) return {};
    return fail(hz::why("base.write"), "enough");
  });
  REQUIRE(!stopped);
  CHECK(stopped.error().detail == "enough");
  CHECK(asked == 4);
  CHECK(w.check().faults.empty());
}

TEST_CASE("views check: bodies that came and are not in the rows yet are no damage; a body whose row is gone is") {
  World w(true);
  Member& other = w.all.members[1];
  std::vector<Draft> sealed;
  for (int i = 0; i < 5; ++i) {
    sealed.push_back(draft(Fact{fmt::format("sealed-{}", i), i}));
    sealed.back().audience = Audience{};  // the owner's own
  }
  REQUIRE(other.append(sealed));
  REQUIRE(other.views());
  // One blob goes aside: the rows have it, then not, and it comes back unnoted.
  std::string blob = other.views().value()->text("SELECT min(blob) FROM alliance_sealed_blob").value().value();
  const fs::path there = other.home() / "blobs" / blob.substr(0, 2) / blob.substr(2),
                 aside = w.all.dir.path() / "aside";
  fs::rename(there, aside);
  REQUIRE(other.note_bodies_changed());
  REQUIRE(other.views());
  fs::rename(aside, there);
  Member own = Member::open(other.home(), Alliance::mounted(), w.all.seams()).value();
  const auto found = own.check_views({});
  REQUIRE(found);
  CHECK(found->faults.empty());
  REQUIRE(other.note_bodies_changed());
  CHECK(own.check_views({}).value().faults.empty());
  {
    sql::Db db = sql::Db::open(other.home() / "views.sqlite", sql::Mode::scratch).value();
    REQUIRE(db.exec("UPDATE alliance_sealed SET opened = 0 WHERE idx = (SELECT min(idx) FROM alliance_sealed)"));
  }
  CHECK(!own.check_views({}).value().faults.empty());
  CHECK(own.check_views({}).value().faults.empty());
  CHECK(other.views().value()->integer("SELECT count(*) FROM test_fact WHERE name LIKE 'sealed-%'").value() == 5);
}

TEST_CASE("views: rebuilt views are those of every open connection, not of new ones only") {
  World w(true);
  const std::string right = World::names(w.member);
  w.close();
  Member open = w.again();
  REQUIRE(open.views());
  {
    sql::Db db = sql::Db::open(w.file, sql::Mode::scratch).value();
    REQUIRE(db.exec("UPDATE test_fact SET name = 'wrong' WHERE name = 'marked-001'"));
  }
  CHECK((World::names(open) != right));
  REQUIRE(w.again().rebuild_views());
  CHECK((World::names(open) == right));
}
