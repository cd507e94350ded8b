#include "log/places.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "log/mirror.h"
#include "log/scrub.h"
#include "log/sql_text.h"
#include "log/test_world.h"
#include "log/tile_reader.h"
#include "sql/migrate.h"

using namespace hz;
using namespace hz::log;
using namespace hz::log::test;

namespace {

// What a test needs to see of a file: every row of `place` and `tail`.
std::string rows_of(const fs::path& folder) {
  sql::Db db = sql::Db::open(folder / "log.db", sql::Mode::reader).value();
  std::string out;
  for (const std::string_view query : {"SELECT hex(key) || ' ' || idx FROM place ORDER BY key, idx",
                                       "SELECT idx || ' ' || hex(hash) FROM tail ORDER BY idx"})
    REQUIRE(db.query(query, {}, [&](const sql::Row& row) {
      out += row.text(0) + "\n";
      return true;
    }));
  return out;
}

std::string grown_rows(std::uint64_t size, std::uint64_t step) {
  const TempDir dir;
  Log log = create_log(dir.path());
  for (std::uint64_t i = 0; i < size; i += step)
    REQUIRE(log.append(entries_of(i, std::min<std::uint64_t>(size, i + step))));
  return rows_of(dir.path() / "log");
}

Log writer(const fs::path& folder) { return Log::open(folder / "log", folder / "mark", key_of(42)).value(); }

}  // namespace

TEST_CASE("places: a slice is swept each 16,384 entries, one slice each 256, and what waits is bounded") {
  std::array<std::uint64_t, place_slices> done{};
  for (std::uint64_t size = 0; size <= 3 * place_slices * sweep_entries; ++size) {
    if (size > 0 && size % sweep_entries == 0) done[(size / sweep_entries - 1) % place_slices] = size;
    if (size % 64 != 0 && size % 256 != 255) continue;
    for (unsigned slice = 0; slice < place_slices; ++slice) {
      REQUIRE(swept(slice, size) == done[slice]);
      REQUIRE(size - done[slice] <= waiting_entries_max);
    }
  }
}

TEST_CASE("places: the table follows from the size, however the log grew") {
  for (const std::uint64_t size : {0, 255, 256, 700, 16'384, 20'000}) {
    CAPTURE(size);
    const std::string rows = grown_rows(size, 1000);
    CHECK(rows == grown_rows(size, 20'000));
    if (size <= 700) CHECK(rows == grown_rows(size, 1));
    CHECK(rows == grown_rows(size, 333));
  }
}

TEST_CASE("places: every entry is found by id and by key, waiting or swept, by writer, reader and after a start") {
  const TempDir dir;
  Log log = create_log(dir.path());
  Log reader = Log::open_reader(dir.path() / "log").value();
  constexpr std::uint64_t size = 18'000;
  for (std::uint64_t i = 0; i < size; i += 500) {
    REQUIRE(log.append(entries_of(i, i + 500)));
    if (i % 6000 == 3500) REQUIRE(reader.refresh());
  }
  const auto all = entries_of(0, size + 500);
  const auto finds = [&](Log& by, std::uint64_t end) {
    for (std::uint64_t i = 0; i < all.size(); i += i < end ? 7 : 50) {
      CAPTURE(i);
      REQUIRE(by.find(all[i].id).value() == (i < end ? std::optional(i) : std::nullopt));
      REQUIRE(by.find_idem(all[i].idem).value() == (i < end ? std::optional(i) : std::nullopt));
    }
  };
  finds(log, size);
  finds(reader, reader.head().size);  // its head lies behind the table
  CHECK(reader.head().size < size);
  REQUIRE(reader.refresh());
  finds(reader, size);
  Log fresh = Log::open_reader(dir.path() / "log").value();
  finds(fresh, size);
}

TEST_CASE("places: repeats and conflicts are seen within a batch, while keys wait, and long after") {
  const TempDir dir;
  Log log = create_log(dir.path());
  REQUIRE(log.append(entries_of(0, 17'000)));
  for (const std::uint64_t old : {0, 5, 300, 9000, 16'999}) {
    CAPTURE(old);
    const auto again = entries_of(old, old + 1);
    const auto repeated = log.append(again).value();
    CHECK(repeated.front().repeated);
    CHECK(repeated.front().index == old);
    Entry other = entries_of(50'000, 50'001).front();
    other.idem = again.front().idem;
    const auto refused = log.append({&other, 1});
    CHECK(slug(refused) == "log.idem_conflict");
    CHECK(refused.error().detail.find(fmt::format("entry {} ({})", old, hex(again.front().id))) != std::string::npos);
  }
  CHECK(log.head().size == 17'000);
  auto twice = entries_of(17'000, 17'002);
  twice.push_back(twice.front());
  const auto answers = log.append(twice).value();
  CHECK(answers[2].repeated);
  CHECK(answers[2].index == 17'000);
  CHECK(log.head().size == 17'002);
}

TEST_CASE("places: a batch that is refused leaves nothing behind, also when it crossed a sweep") {
  const TempDir dir;
  Log log = create_log(dir.path());
  REQUIRE(log.append(entries_of(0, 200)));
  const std::string before = rows_of(dir.path() / "log");
  auto batch = entries_of(200, 600);
  Entry clash = entries_of(700, 701).front();
  clash.idem = batch[10].idem;
  batch.push_back(clash);
  CHECK(slug(log.append(batch)) == "log.idem_conflict");
  CHECK(rows_of(dir.path() / "log") == before);
  CHECK_FALSE(log.find(batch[0].id).value());
  batch.pop_back();
  REQUIRE(log.append(batch));
  CHECK(rows_of(dir.path() / "log") == grown_rows(600, 600));
}

TEST_CASE("places: writers that take turns see what the other appended") {
  const TempDir dir;
  {
    create_log(dir.path());
  }
  Log one = writer(dir.path());
  one.rest();
  Log two = writer(dir.path());
  two.rest();
  for (std::uint64_t i = 0; i < 2000; i += 200) {
    Log& now = i / 200 % 2 ? one : two;
    REQUIRE(now.resume());
    if (i > 0) CHECK(now.append(entries_of(i - 200, i)).value().back().repeated);
    REQUIRE(now.append(entries_of(i, i + 200)));
    now.rest();
  }
  REQUIRE(one.refresh());
  CHECK(one.find(entries_of(1999, 2000)[0].id).value() == 1999);
  CHECK(rows_of(dir.path() / "log") == grown_rows(2000, 2000));
}

TEST_CASE("places: keys that somebody chose alike lead to the right entry") {
  const TempDir dir;
  Log log = create_log(dir.path());
  auto entries = entries_of(0, 3000);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    entries[i].idem.fill(0);
    entries[i].idem[14] = static_cast<std::uint8_t>(i >> 8);
    entries[i].idem[15] = static_cast<std::uint8_t>(i);
    if (i == 2999) entries[i].idem = place_key(entries[3].id);  // the key of another's id
  }
  REQUIRE(log.append(entries));
  for (const std::uint64_t i : {0, 1, 255, 2000, 2998, 2999}) CHECK(log.find_idem(entries[i].idem).value() == i);
  CHECK(log.find(entries[3].id).value() == 3);
  CHECK(log.append(std::span(entries).subspan(3, 1)).value().front().repeated);
  const auto of = [&](ByteView leaf) -> Result<Identity> {
    const auto at = std::ranges::find_if(entries, [&](const Entry& e) { return std::ranges::equal(e.leaf, leaf); });
    return Identity{at->id, at->idem};
  };
  CHECK(log.fsck(silent_progress(), of)->faults.empty());
}

TEST_CASE("places: a file of version 2 is brought up by its first reader, and is then as if it had grown so") {
  for (const bool mirror : {false, true}) {
    CAPTURE(mirror);
    const TempDir dir;
    const fs::path folder = mirror ? dir.path() / "copy" : dir.path() / "log";
    {
      Log log = create_log(dir.path());
      for (std::uint64_t i = 0; i < 17'300; i += 1000)
        REQUIRE(log.append(entries_of(i, std::min<std::uint64_t>(17'300, i + 1000))));
      if (mirror) {
        Mirror copy = Mirror::open(folder, log.key(), identify).value();
        REQUIRE(copy.pull(exchange_of(log), "", {}));
      }
    }
    const std::string rows = rows_of(folder);
    // The same content in a file as version 2 wrote it.
    {
      sql::Db old = sql::Db::open(dir.path() / "old.db", sql::Mode::writer).value();
      constexpr std::string_view steps[] = {sql_text::schema, sql_text::published};
      REQUIRE(sql::migrate(old, steps));
      REQUIRE(old.exec("ATTACH ? AS now", {std::string_view((folder / "log.db").native())}));
      for (const char* table : {"log", "head", "entry", "tile", "published", "mirror"})
        REQUIRE(old.run(fmt::format("INSERT INTO main.{0} SELECT * FROM now.{0}", table)));
      Bytes partial;
      REQUIRE(old.query("SELECT hash FROM now.tail ORDER BY idx", {}, [&](const sql::Row& row) {
        put(partial, row.blob(0));
        return true;
      }));
      REQUIRE(old.exec("INSERT INTO tile VALUES(0, 67, ?)", {ByteView(partial)}));
    }
    for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(folder / fmt::format("log.db{}", suffix));
    fs::rename(dir.path() / "old.db", folder / "log.db");
    Log reader = Log::open_reader(folder, Check::leaves).value();
    CHECK(reader.head().size == 17'300);
    CHECK(rows_of(folder) == rows);
    CHECK(reader.find(entries_of(17'000, 17'001)[0].id).value() == 17'000);
    CHECK(reader.fsck(silent_progress(), identify)->faults.empty());
    if (mirror) continue;
    REQUIRE(writer(dir.path()).append(entries_of(17'300, 17'500)));
    CHECK(rows_of(folder) == grown_rows(17'500, 17'500));
  }
}

TEST_CASE("places: a full check says which key leads astray or nowhere, and repair mends it") {
  const TempDir dir;
  Log log = create_log(dir.path());
  REQUIRE(log.append(entries_of(0, 17'000)));
  const std::string rows = rows_of(dir.path() / "log");
  const auto after = [&](std::string_view damage) {
    {
      sql::Db db = sql::Db::open(dir.path() / "log" / "log.db", sql::Mode::writer).value();
      REQUIRE(db.run(damage));
    }
    std::string all;
    const Findings checked = log.fsck(silent_progress(), identify).value();
    for (const Error& fault : checked.faults) all += fault.text() + "\n";
    log.rest();
    REQUIRE(repair(dir.path() / "log", {}, {}, identify, silent_progress()));
    CHECK(rows_of(dir.path() / "log") == rows);
    REQUIRE(log.resume());
    CHECK(log.fsck(silent_progress(), identify)->faults.empty());
    return all;
  };
  CHECK(after("DELETE FROM place WHERE idx = 40 AND key IN (SELECT substr(id, 1, 16) FROM entry)") ==
        "log.index_corrupt: entry 40: its id does not lead to it\n");
  CHECK(after("DELETE FROM place WHERE idx = 41 AND key IN (SELECT idem FROM entry)") ==
        "log.index_corrupt: entry 41: its key does not lead to it\n");
  CHECK(after("INSERT INTO place VALUES(zeroblob(16), 42)") ==
        "log.index_corrupt: entry 42: a key leads to it that is not its own\n");
  CHECK(after("INSERT INTO place VALUES(zeroblob(16), 99000)") ==
        "");  // nobody's yet; a writer would not notice either
  CHECK(after("INSERT INTO place SELECT idem, idx FROM entry WHERE idx = 16999")
            .starts_with("log.index_corrupt: table place holds keys"));
}

TEST_CASE("places: keys that were put right are found by who kept the wrong ones in memory, and are what is swept") {
  const TempDir dir;
  Log log = create_log(dir.path());
  REQUIRE(log.append(entries_of(0, 200)));
  log.rest();
  {
    sql::Db db = sql::Db::open(dir.path() / "log" / "log.db", sql::Mode::writer).value();
    REQUIRE(db.exec("UPDATE entry SET id = zeroblob(32), idem = zeroblob(16) WHERE idx = 7"));
  }
  const auto old = entries_of(7, 8);
  Log kept_wrong = writer(dir.path());
  CHECK_FALSE(kept_wrong.find(old[0].id).value());
  kept_wrong.rest();
  Log twin = create_log(dir.path() / "twin");
  REQUIRE(twin.append(entries_of(0, 200)));
  const std::vector<GetBundle> sources{
      [&](std::uint64_t n, unsigned width) { return TileReader(exchange_of(twin), "").entries(n, width); }};
  const std::uint64_t bundles[] = {0};
  REQUIRE(repair(dir.path() / "log", bundles, sources, identify, silent_progress()));
  REQUIRE(kept_wrong.resume());
  CHECK(kept_wrong.append(old).value().front().repeated);
  REQUIRE(kept_wrong.append(entries_of(200, 20'000)));
  CHECK(kept_wrong.fsck(silent_progress(), identify)->faults.empty());
  CHECK(rows_of(dir.path() / "log") == grown_rows(20'000, 20'000));
}
