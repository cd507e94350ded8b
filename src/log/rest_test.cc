#include <doctest/doctest.h>

#include "log/mark.h"
#include "log/test_world.h"

using namespace hz;
using namespace hz::log;
using namespace hz::log::test;

TEST_CASE("log: two writers that rest in between take turns: each goes on from what the other appended") {
  TempDir dir;
  auto a = create_log(dir.path());
  REQUIRE(a.append(entries_of(0, 300)));
  a.rest();
  CHECK(slug(a.append(entries_of(300, 301))) == "log.read_only");
  auto b = Log::open(dir.path() / "log", dir.path() / "mark", key_of(42)).value();
  for (std::uint64_t at = 300; at < 600; at += 50) {
    REQUIRE(b.resume());
    REQUIRE(b.append(entries_of(at, at + 20)));
    b.rest();
    REQUIRE(a.resume());
    CHECK(a.head() == b.head());
    REQUIRE(a.append(entries_of(at + 20, at + 50)));
    a.rest();
    REQUIRE(b.refresh());
    CHECK(b.head() == a.head());
  }
  auto whole = create_log(dir.path() / "other");
  REQUIRE(whole.append(entries_of(0, 600)));
  CHECK(whole.head() == a.head());
  REQUIRE(a.resume());
  CHECK(a.fsck(silent_progress())->faults.empty());
}

TEST_CASE("log: a writer at rest does not go on over a restored backup, a replaced file or another key") {
  TempDir dir;
  const fs::path folder = dir.path() / "log";
  auto log = create_log(dir.path());
  REQUIRE(log.append(entries_of(0, 10)));
  log.rest();
  fs::copy_file(folder / "log.db", dir.path() / "old");
  fs::copy_file(folder / "log.db-wal", dir.path() / "old-wal");
  REQUIRE(log.resume());
  REQUIRE(log.append(entries_of(10, 20)));
  log.rest();

  SUBCASE("another file under the name") {
    fs::copy_file(dir.path() / "old", folder / "new");
    fs::rename(folder / "new", folder / "log.db");
    CHECK(slug(log.resume()) == "log.replaced");
    CHECK(slug(log.refresh()) == "log.replaced");
    CHECK(slug(log.append(entries_of(20, 21))) == "log.read_only");
  }
  SUBCASE("a mark that is ahead") {
    auto mark = Mark::open(Mark::path_of(dir.path() / "mark", test::origin)).value();
    auto twin = create_log(dir.path() / "twin");
    REQUIRE(twin.append(entries_of(0, 30)));
    REQUIRE(mark.advance(twin.checkpoint()));
    CHECK(slug(log.resume()) == "log.rolled_back");
    CHECK(slug(log.append(entries_of(20, 21))) == "log.read_only");
  }
  SUBCASE("a new key") {
    {
      auto other = Log::open(folder, dir.path() / "mark", key_of(42)).value();
      REQUIRE(other.rekey(key_of(43)));
    }
    CHECK(slug(log.resume()) == "log.wrong_key");
  }
}
