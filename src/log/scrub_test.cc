#include "log/scrub.h"

#include <doctest/doctest.h>

#include <map>

#include "log/test_world.h"
#include "log/tile_reader.h"
#include "sql/db.h"

using namespace hz;
using namespace hz::log;
using namespace hz::log::test;

namespace {

// A log of 1,300 entries (five full tiles, one partial) and a whole copy of it to repair from.
struct World {
  TempDir dir;
  fs::path folder = dir.path() / "log";
  Log copy = [this] {
    auto log = create_log(dir.path());
    REQUIRE(log.append(entries_of(0, 1300)));
    fs::create_directories(dir.path() / "copy");
    {
      Log ending = std::move(log);
    }
    fs::copy(folder, dir.path() / "copy", fs::copy_options::recursive);
    return Log::open_reader(dir.path() / "copy").value();
  }();

  void damage(std::string_view statement) {
    sql::Db db = sql::Db::open(folder / "log.db", sql::Mode::writer).value();
    REQUIRE(db.exec(statement));
  }
  Scrubbed read() {
    auto out = scrub(folder, {}, [](std::string_view, ByteView leaf) { return identify(leaf); }, silent_progress());
    REQUIRE(out);
    return *std::move(out);
  }
  GetBundle from(Log& log) {
    return [&log](std::uint64_t n, unsigned width) { return TileReader(exchange_of(log), "").entries(n, width); };
  }
  Result<Repaired> repair_from(const std::vector<GetBundle>& sources) {
    const auto bundles = read().findings.bundles;
    return repair(folder, bundles, sources, identify, silent_progress());
  }
  Result<Log> open() { return Log::open(folder, dir.path() / "mark", key_of(42)); }
};

}  // namespace

TEST_CASE("scrub: a sound log is read whole, at the pace it is given") {
  World world;
  std::uint64_t bytes = 0, calls = 0;
  const auto found = scrub(
      world.folder, [&](std::uint64_t n) { bytes += n, ++calls; },
      [](std::string_view origin_of, ByteView leaf) {
        CHECK(origin_of == test::origin);
        return identify(leaf);
      },
      silent_progress());
  REQUIRE(found);
  CHECK(found->findings.faults.empty());
  CHECK(found->findings.bundles.empty());
  CHECK(found->findings.leaves == 1300);
  CHECK(calls == 6);
  CHECK(bytes == found->size_bytes);
  CHECK(bytes > 1300 * (48 + 32));
}

TEST_CASE("scrub and repair: damaged and missing entries, ids and tiles come back, and nothing else is written") {
  const std::string_view kinds[] = {
      "UPDATE entry SET leaf = x'00' WHERE idx = 300",
      "UPDATE entry SET leaf = zeroblob(40) WHERE idx = 1299",
      "DELETE FROM entry WHERE idx = 0",
      "DELETE FROM entry WHERE idx >= 1280",
      "UPDATE entry SET id = zeroblob(32) WHERE idx = 700",
      "UPDATE entry SET idem = zeroblob(16) WHERE idx = 701",
      "UPDATE tile SET hashes = zeroblob(8192) WHERE level = 0 AND n = 2",
      "UPDATE tail SET hash = zeroblob(32) WHERE idx = 1290",
      "DELETE FROM tail",
      "DELETE FROM tail WHERE idx = 1299",
      "DELETE FROM place WHERE key = (SELECT min(key) FROM place)",
      "UPDATE place SET idx = 8 WHERE key = (SELECT max(key) FROM place)",
      "UPDATE place SET key = zeroblob(16) WHERE key = (SELECT min(key) FROM place)",
      "INSERT INTO place SELECT substr(id, 1, 16), idx FROM entry WHERE idx = 1299",
      "UPDATE tile SET hashes = zeroblob(32 * 5) WHERE level = 1 AND n = 0",
      "DELETE FROM tile WHERE level = 1",
      "DELETE FROM tile",
  };
  for (const std::string_view kind : kinds) {
    CAPTURE(kind);
    World world;
    world.damage(kind);
    CHECK_FALSE(world.read().findings.faults.empty());
    // Ids and where they stand are not part of the start-up check.
    const bool opens = kind.find("SET id") != kind.npos || kind.find("place") != kind.npos;
    CHECK(world.open().has_value() == opens);
    const auto done = world.repair_from({world.from(world.copy)});
    REQUIRE_MESSAGE(done, done.error().text());
    CHECK((done->entries + done->tiles > 0 || kind.find("place") != kind.npos));
    CHECK(world.read().findings.faults.empty());
    auto log = world.open();
    REQUIRE(log);
    CHECK(log->head() == world.copy.head());
    CHECK(log->fsck(silent_progress(), identify)->faults.empty());
    REQUIRE(log->append(entries_of(1300, 1400)));
  }
}

TEST_CASE("repair: a changed entry that no tile and no id speaks against any more comes back too") {
  World world;
  // As after a change in bytes that the id does not cover, such as a signature: no bundle is named.
  world.damage("UPDATE entry SET leaf = zeroblob(40) WHERE idx IN (10, 700)");
  world.damage("DELETE FROM tile");
  const std::vector<GetBundle> sources{world.from(world.copy)};
  const auto done = repair(world.folder, {}, sources, identify, silent_progress());
  REQUIRE_MESSAGE(done, done.error().text());
  CHECK(world.read().findings.faults.empty());
  CHECK(world.open());
}

TEST_CASE("repair: entry and tile damaged together, several at once, from a server that lies and one that is right") {
  World world;
  world.damage("UPDATE entry SET leaf = zeroblob(40) WHERE idx IN (10, 700, 1290)");
  world.damage("UPDATE tile SET hashes = zeroblob(8192) WHERE level = 0 AND n IN (0, 3)");
  world.damage("DELETE FROM tile WHERE level = 1");
  auto other = create_log(world.dir.path() / "other");
  REQUIRE(other.append(entries_of(0, 1300, "lie")));
  const auto before = world.read();
  // Lies alone, or nobody: nothing is written.
  CHECK(slug(world.repair_from({world.from(other)})) == "log.repair");
  CHECK(slug(world.repair_from({})) == "log.repair");
  const auto after = world.read();
  CHECK(after.findings.bundles == before.findings.bundles);
  CHECK(after.findings.faults.size() == before.findings.faults.size());
  // The right one is found where something stored speaks for it, whoever is asked first.
  REQUIRE(world.repair_from({world.from(world.copy), world.from(other)}));
  CHECK(world.read().findings.faults.empty());
  world.damage("UPDATE entry SET leaf = zeroblob(40) WHERE idx IN (10, 700, 1290)");
  REQUIRE(world.repair_from({world.from(other), world.from(world.copy)}));
  CHECK(world.read().findings.faults.empty());
}

TEST_CASE("scrub: without a head that its key signed there is nothing to hold the bytes against") {
  World world;
  world.damage("UPDATE head SET checkpoint = replace(checkpoint, '1300', '1301')");
  CHECK(slug(scrub(
            world.folder, {}, [](std::string_view, ByteView leaf) { return identify(leaf); }, silent_progress())) ==
        "log.head_corrupt");
  CHECK(slug(repair(world.folder, {}, {}, identify, silent_progress())) == "log.head_corrupt");
  CHECK(slug(scrub(
            world.dir.path() / "none", {}, [](std::string_view, ByteView leaf) { return identify(leaf); },
            silent_progress())) == "log.missing");
}

TEST_CASE("publish: a folder that grows step by step ends as one that is written at once, and keeps its promise") {
  TempDir dir;
  auto log = create_log(dir.path());
  const fs::path grown = dir.path() / "grown";
  const auto files = [](const fs::path& folder) {
    std::map<std::string, Bytes> out;
    for (const auto& at : fs::recursive_directory_iterator(folder))
      if (at.is_regular_file())
        out[at.path().lexically_relative(folder).string()] = read_file(at.path(), 1u << 20).value();
    return out;
  };
  std::uint64_t size = 0, written = 0;
  for (const std::uint64_t next : {0U, 1U, 255U, 256U, 257U, 700U, 700U, 1300U}) {
    if (next > size) REQUIRE(log.append(entries_of(size, next)));
    size = next;
    const auto done = log.publish_tree(grown, silent_progress());
    REQUIRE_MESSAGE(done, done.error().text());
    CHECK(done->size == size);
    written += done->files;
    // Everything that the checkpoint's size needs is there.
    const auto there = files(grown);
    for (const TileId& tile : tiles_of(size)) CHECK(there.contains(tile_path(tile)));
  }
  REQUIRE(log.publish_tree(dir.path() / "at once", silent_progress()));
  auto left = files(grown);
  for (const auto& [name, bytes] : files(dir.path() / "at once")) {
    CHECK(left[name] == bytes);
    left.erase(name);
  }
  // What is left are older partial tiles of the last one, which the format allows.
  for (const auto& [name, bytes] : left) CHECK(name.find(".p/") != std::string::npos);
  CHECK(written < 60);
  CHECK(log.publish_tree(grown, silent_progress())->files == 0);

  auto twin = create_log(dir.path() / "twin");
  REQUIRE(twin.append(entries_of(0, 1400, "other")));
  CHECK(slug(twin.publish_tree(grown, silent_progress())) == "log.export");
  auto shorter = create_log(dir.path() / "shorter");
  REQUIRE(shorter.append(entries_of(0, 600)));
  CHECK(slug(shorter.publish_tree(grown, silent_progress())) == "log.export");
}
