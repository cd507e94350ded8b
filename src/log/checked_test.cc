#include "log/checked.h"

#include <doctest/doctest.h>

#include "crypto/merkle.h"
#include "log/scrub.h"
#include "log/test_world.h"
#include "sql/db.h"

using namespace hz;
using namespace hz::log;
using namespace hz::log::test;

namespace {

constexpr std::uint64_t many = always_checked_max + 700;

// A log that is too long to be read whole at each start, made once.
struct World {
  TempDir dir;
  fs::path folder = dir.path() / "log", marks = dir.path() / "mark";

  explicit World(std::uint64_t size = many) {
    Log log = create_log(dir.path());
    for (std::uint64_t i = 0; i < size; i += 1000)
      REQUIRE(log.append(entries_of(i, std::min<std::uint64_t>(size, i + 1000))));
  }
  Result<Log> start() const { return Log::open_reader(folder, Check::since_record, marks); }
  void record(std::vector<std::uint64_t> landmarks = {}, std::uint64_t seed = 42) const {
    start().value().keep_checked(std::move(landmarks), key_of(seed));
  }
  void append(std::uint64_t begin, std::uint64_t end) const {
    REQUIRE(Log::open(folder, marks, key_of(42), Check::head).value().append(entries_of(begin, end)));
  }
  void damage(std::string_view statement) const {
    sql::Db db = sql::Db::open(folder / "log.db", sql::Mode::writer).value();
    REQUIRE(db.exec(statement));
  }
  void flip(std::uint64_t index) const {
    damage(fmt::format("UPDATE entry SET leaf = CAST('#' || substr(leaf, 2) AS BLOB) WHERE idx = {}", index));
  }
};

}  // namespace

TEST_CASE("checked: with a record a start reads what came since; what was damaged before is found where it is read") {
  const World world;
  CHECK(world.start().value().checked() == nullptr);
  world.record({7, 9000});
  {
    const Log log = world.start().value();
    REQUIRE(log.checked());
    CHECK(*log.checked() == Checked{many, log.head().root, {7, 9000}});
  }
  world.append(many, many + 300);
  CHECK(world.start().value().checked()->size == many);

  world.flip(5);
  Log log = world.start().value();
  CHECK(log.checked());
  const auto read = log.leaf(5);
  CHECK(slug(read) == "log.leaf_corrupt");
  CHECK(read.error().detail.find("entry 5 ") != std::string::npos);
  CHECK(log.leaf(6));
  CHECK(slug(log.visit(0, 100, [](auto, ByteView) -> Result<void> { return {}; })) == "log.leaf_corrupt");
  CHECK(slug(log.bundle(0, 256)) == "log.leaf_corrupt");
  CHECK(log.bundle(1, 256));
  const auto found = scrub(world.folder, {}, [](auto, ByteView leaf) { return identify(leaf); }, silent_progress());
  REQUIRE(found);
  CHECK(found->findings.bundles == std::vector<std::uint64_t>{0});
  CHECK(slug(Log::open_reader(world.folder, Check::leaves)) == "log.leaf_corrupt");

  // What came after the record is read at the start.
  world.flip(many + 100);
  const auto refused = world.start();
  CHECK(slug(refused) == "log.leaf_corrupt");
}

TEST_CASE("checked: an entry exchanged with its tile, a tile and a missing entry are found by whoever reads them") {
  const World world;
  world.record();
  const Bytes leaf{1, 2, 3};
  {
    sql::Db db = sql::Db::open(world.folder / "log.db", sql::Mode::writer).value();
    REQUIRE(db.exec("UPDATE entry SET leaf = ? WHERE idx = 0", {ByteView(leaf)}));
    REQUIRE(db.exec("UPDATE tile SET hashes = CAST(? || substr(hashes, 33) AS BLOB) WHERE level = 0 AND n = 0",
                    {ByteView(crypto::leaf_hash(leaf))}));
  }
  world.damage("DELETE FROM entry WHERE idx = 300");
  world.damage("DELETE FROM tile WHERE level = 0 AND n = 2");
  Log log = world.start().value();
  CHECK(slug(log.leaf(0)) == "log.tile_corrupt");
  CHECK(slug(log.leaf(300)) == "log.leaf_corrupt");
  CHECK(log.leaf(301));
  CHECK(slug(log.leaf(513)) == "log.tile_corrupt");
  CHECK(log.leaf(800));
}

TEST_CASE("checked: a record that is not of this very log and key is not believed: everything is read") {
  const World world;
  world.record();
  const fs::path record = world.folder / "checked";
  const std::string text = read_text(record, 100'000).value();
  world.flip(5);
  REQUIRE(world.start());
  const auto start_with = [&](const std::string& other) {
    REQUIRE(write_file_durably(record, as_bytes(other)));
    return slug(world.start());
  };
  const Head head = world.start().value().head();
  const Checked ahead{head.size + 1, head.root, {}}, forked{head.size, crypto::leaf_hash(Bytes{1}), {}};
  CHECK(start_with(sign_checked(Checked{head.size, head.root, {}}, origin, key_of(43))) == "log.leaf_corrupt");
  CHECK(start_with(sign_checked(ahead, origin, key_of(42))) == "log.leaf_corrupt");
  CHECK(start_with(sign_checked(forked, origin, key_of(42))) == "log.leaf_corrupt");
  CHECK(start_with(sign_checked(Checked{head.size, head.root, {}}, "hezong.example/other", key_of(42))) ==
        "log.leaf_corrupt");
  CHECK(start_with(text.substr(0, text.size() / 2)) == "log.leaf_corrupt");
  CHECK(start_with("") == "log.leaf_corrupt");
  CHECK(start_with(text) == "ok");
  fs::remove(record);
  CHECK(slug(world.start()) == "log.leaf_corrupt");
  // A key that is not the log's writes none.
  Log::open_reader(world.folder).value().keep_checked({}, key_of(43));
  CHECK_FALSE(fs::exists(record));
}

TEST_CASE("checked: a short log is read whole, and a restored one is refused, whatever the record says") {
  const World world(1000);
  REQUIRE(world.start());
  world.record();
  CHECK(fs::exists(world.folder / "checked"));
  world.flip(5);
  CHECK(slug(world.start()) == "log.leaf_corrupt");

  const World restored;
  fs::copy(restored.folder / "log.db", restored.dir.path() / "old.db");
  restored.append(many, many + 10);
  restored.record();
  for (const char* file : {"log.db", "log.db-wal", "log.db-shm"}) fs::remove(restored.folder / file);
  fs::copy(restored.dir.path() / "old.db", restored.folder / "log.db");
  CHECK(slug(restored.start()) == "log.rolled_back");
}

TEST_CASE("checked: a record is read back, and no changed byte of it is believed") {
  const NoteKey key{std::string(origin), KeyType::ed25519, key_of(42).verifying_key()};
  const Checked said{70'000, crypto::leaf_hash(Bytes{7}), {1, 5, 69'999}};
  const std::string text = sign_checked(said, origin, key_of(42));
  CHECK(open_checked(text, key).value() == said);
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string other = text;
    other[i] = static_cast<char>(other[i] ^ 1);
    const auto read = open_checked(other, key);
    // The name in the signature line may become another's: then nobody known signed.
    CHECK_MESSAGE(!read, "byte ", i);
  }
  for (const auto& wrong : {std::vector<std::uint64_t>{5, 5}, {5, 4}, {70'000}})
    CHECK(slug(open_checked(sign_checked({70'000, {}, wrong}, origin, key_of(42)), key)) == "log.checked");
  // A head is no record, and a record no head.
  CHECK(slug(open_checked(sign_checkpoint({std::string(origin), 1, {}}, key_of(42)), key)) == "log.checked");
  CHECK(slug(open_checkpoint(text, key)) == "log.checkpoint");
}
