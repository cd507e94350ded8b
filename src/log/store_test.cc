#include "log/store.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <optional>
#include <thread>

#include "crypto/hash.h"
#include "log/proof.h"
#include "log/tile_edge.h"
#include "sql/db.h"

using namespace hz;
using namespace hz::log;

namespace {

std::string_view slug(const auto& result) { return result ? std::string_view("ok") : result.error().reason->slug; }

// A log in a temporary folder. Everything that decides its bytes is in the seed and the entries.
struct World {
  TempDir dir;
  std::uint64_t seed = 42;
  fs::path folder() const { return dir.path() / "log"; }
  fs::path marks() const { return dir.path() / "marks"; }
  crypto::SigningKey key() const {
    SeededRng rng(seed);
    return crypto::SigningKey::generate(rng);
  }
  Log create() const { return Log::create(folder(), marks(), "hezong.example/acme", key()).value(); }
  Result<Log> open(Check check = Check::leaves) const { return Log::open(folder(), marks(), key(), check); }
  // Inverts one bit of one stored value.
  void flip(std::string_view table, std::string_view column, std::string_view where, std::size_t byte) const {
    sql::Db db = sql::Db::open(folder() / "log.db", sql::Mode::writer).value();
    Bytes value;
    REQUIRE(db.query(fmt::format("SELECT {} FROM {} WHERE {}", column, table, where), {}, [&](const sql::Row& row) {
      value.assign(row.blob(0).begin(), row.blob(0).end());
      return false;
    }));
    REQUIRE(byte < value.size());
    value[byte] ^= 1;
    REQUIRE(db.exec(fmt::format("UPDATE {} SET {} = ? WHERE {}", table, column, where), {ByteView(value)}));
  }
  // Damages the stored database with one statement.
  void damage(std::string_view statement) const {
    sql::Db db = sql::Db::open(folder() / "log.db", sql::Mode::writer).value();
    REQUIRE(db.run(statement));
  }
};

Identity identity_of(ByteView leaf) {
  Identity out;
  out.id = crypto::sha256({as_bytes("id"), leaf});
  const Digest idem = crypto::sha256({as_bytes("idem"), leaf});
  std::copy_n(idem.begin(), 16, out.idem.begin());
  return out;
}
Entry entry_of(std::uint64_t i) {
  const std::string text = fmt::format("entry {} {}", i, std::string(i % 97, 'x'));
  Entry entry{Bytes(text.begin(), text.end()), {}, {}};
  const Identity identity = identity_of(entry.leaf);
  entry.id = identity.id;
  entry.idem = identity.idem;
  return entry;
}
std::vector<Entry> entries_of(std::uint64_t begin, std::uint64_t end) {
  std::vector<Entry> out;
  for (auto i = begin; i < end; ++i) out.push_back(entry_of(i));
  return out;
}
// The root without any of the code under test but the node hash.
Digest plain_root(std::uint64_t size) {
  crypto::RightEdge edge;
  for (std::uint64_t i = 0; i < size; ++i) edge.append(crypto::leaf_hash(entry_of(i).leaf));
  return edge.root();
}

}  // namespace

TEST_CASE("log: every size to 300 has the right root, checkpoint, tiles and proofs") {
  const World world;
  Log log = world.create();
  CHECK(log.head() == Head{0, crypto::empty_root()});
  crypto::RightEdge plain;
  std::vector<Digest> roots{plain.root()};
  for (std::uint64_t n = 1; n <= 300; ++n) {
    REQUIRE(log.append(std::vector{entry_of(n - 1)}).value().front().index == n - 1);
    plain.append(crypto::leaf_hash(entry_of(n - 1).leaf));
    roots.push_back(plain.root());
    REQUIRE(log.head() == Head{n, plain.root()});
    REQUIRE(open_checkpoint(log.checkpoint(), log.key()).value() == Checkpoint{log.origin(), n, plain.root()});
    for (const std::uint64_t i : {std::uint64_t{0}, n / 3, n / 2, n - 1}) {
      const auto proof = log.inclusion_proof(i, n).value();
      REQUIRE(crypto::verify_inclusion(crypto::leaf_hash(entry_of(i).leaf), i, n, proof, plain.root()));
    }
  }
  for (std::uint64_t old = 0; old <= 300; ++old) {
    REQUIRE(log.root_at(old).value() == roots[old]);
    REQUIRE(crypto::verify_consistency(old, 300, roots[old], roots[300], log.consistency_proof(old, 300).value()));
  }
  for (const TileId& tile : tiles_of(300)) {
    if (tile.entries) {
      const Bytes bundle = log.bundle(tile.n, tile.width).value();
      const auto leaves = parse_bundle(bundle, tile.width).value();
      for (unsigned i = 0; i < tile.width; ++i) REQUIRE(std::ranges::equal(leaves[i], entry_of(tile.n * 256 + i).leaf));
    } else {
      REQUIRE(log.tile(tile.level, tile.n, tile.width).value().size() == tile.width * 32);
    }
  }
  CHECK(slug(log.tile(0, 1, 45)) == "log.range");
  CHECK(slug(log.tile(2, 0, 1)) == "log.range");
  CHECK(slug(log.leaf(300)) == "log.range");
  CHECK(slug(log.inclusion_proof(0, 301)) == "log.range");
}

TEST_CASE("log: batches across 256 and 65,536 give the tree of single appends, and survive reopening") {
  const World world;
  std::uint64_t at = 0;
  SeededRng rng(9);
  {
    Log log = world.create();
    for (const std::uint64_t end : {250, 255, 256, 257, 511, 513, 1000, 65530, 65535, 65536, 65537, 65800}) {
      REQUIRE(log.append(entries_of(at, end)));
      at = end;
      if (end < 2000 || end >= 65535) REQUIRE(log.head().root == plain_root(end));
    }
  }
  Log log = world.open().value();
  CHECK(log.head() == Head{65800, plain_root(65800)});
  for (int i = 0; i < 50; ++i) {
    const auto index = rng.below(65800);
    const auto proof = verify_proof(parse_proof(log.prove(index).value()).value(), log.key());
    REQUIRE(proof.value().leaf == entry_of(index).leaf);
  }
  const auto findings =
      log.fsck(silent_progress(), [](ByteView leaf) -> Result<Identity> { return identity_of(leaf); }).value();
  CHECK(findings.faults.empty());
  CHECK(findings.leaves == 65800);
  CHECK(findings.tiles == 258 + 2 + 1);
}

TEST_CASE("log: a repeated statement keeps its place, a reused key for another one is refused, all or nothing") {
  const World world;
  Log log = world.create();
  REQUIRE(log.append(entries_of(0, 3)));
  const auto again = log.append(std::vector{entry_of(1), entry_of(3), entry_of(3)}).value();
  CHECK((again[0].index == 1 && again[0].repeated));
  CHECK((again[1].index == 3 && !again[1].repeated));
  CHECK((again[2].index == 3 && again[2].repeated));
  Entry clash = entry_of(9);
  clash.idem = entry_of(2).idem;
  const Head before = log.head();
  const auto refused = log.append(std::vector{entry_of(8), clash});
  CHECK(slug(refused) == "log.idem_conflict");
  CHECK(refused.error().detail.find("entry 2 ") != std::string::npos);
  CHECK(log.head() == before);
  CHECK_FALSE(log.find(entry_of(8).id).value());
  CHECK(log.find(entry_of(3).id).value() == 3);
  CHECK(log.find_idem(entry_of(3).idem).value() == 3);
  CHECK_FALSE(log.find_idem(entry_of(8).idem).value());
  CHECK(log.append(std::vector{entry_of(0)}).value()[0].repeated);
  CHECK(log.append({}).value().empty());
  CHECK(log.head() == before);
  CHECK(slug(log.append(std::vector{Entry{{}, {}, {}}})) == "log.entry");
  CHECK(slug(log.append(std::vector{Entry{Bytes(65536), {}, {}}})) == "log.entry");
  CHECK(log.append(std::vector{entry_of(8)}).value()[0].index == 4);
}

TEST_CASE("log: a reader beside the writer sees whole heads only") {
  const World world;
  Log log = world.create();
  REQUIRE(log.append(entries_of(0, 300)));
  Log reader = Log::open_reader(world.folder(), Check::leaves).value();
  CHECK(reader.head().size == 300);
  REQUIRE(log.append(entries_of(300, 700)));
  CHECK(reader.head().size == 300);
  CHECK(slug(reader.leaf(300)) == "log.range");
  CHECK(reader.tile(0, 1, 44).value().size() == 44 * 32);
  REQUIRE(reader.refresh());
  CHECK(reader.head() == log.head());
  CHECK(reader.checkpoint() == log.checkpoint());
  CHECK(slug(reader.append(entries_of(700, 701))) == "log.read_only");
  CHECK(reader.fsck(silent_progress()).value().faults.empty());
}

TEST_CASE("log: a second writer waits for the first and then sees what it wrote") {
  const World world;
  std::optional<Log> first(world.create());
  REQUIRE(first->append(entries_of(0, 5)));
  std::atomic<bool> released = false;
  std::jthread second([&] {
    const auto log = world.open();
    // doctest's checks are not made for other threads before it is joined.
    released = log && released && log->head().size == 6;
  });
  REQUIRE(first->append(entries_of(5, 6)));
  released = true;
  first.reset();
  second.join();
  CHECK(released);
}

TEST_CASE("log: another key, a used folder and an unfit name are refused") {
  World world;
  {
    Log log = world.create();
    REQUIRE(log.append(entries_of(0, 1)));
  }
  CHECK(slug(Log::create(world.folder(), world.marks(), "hezong.example/other", world.key())) == "log.exists");
  CHECK(slug(Log::create(world.folder(), world.marks(), "a b", world.key())) == "log.origin");
  CHECK(slug(Log::create(world.folder(), world.marks(), "https://a", world.key())) == "log.origin");
  world.seed = 43;
  CHECK(slug(world.open()) == "log.wrong_key");
  CHECK(slug(Log::open(world.dir.path() / "none", world.marks(), world.key())) == "log.missing");
  CHECK(slug(Log::open_reader(world.dir.path() / "none")) == "log.missing");
}

TEST_CASE("log: a restored backup is refused, and so is a fork of what was acknowledged") {
  const World world;
  const fs::path backup = world.dir.path() / "backup";
  {
    Log log = world.create();
    REQUIRE(log.append(entries_of(0, 500)));
  }
  fs::copy(world.folder(), backup, fs::copy_options::recursive);
  {
    Log log = world.open().value();
    REQUIRE(log.append(entries_of(500, 600)));
  }
  fs::remove_all(world.folder());
  fs::copy(backup, world.folder(), fs::copy_options::recursive);
  const auto restored = world.open();
  CHECK(slug(restored) == "log.rolled_back");
  CHECK(slug(Log::open_reader(world.folder(), Check::head, world.marks())) == "log.rolled_back");
  CHECK(Log::open_reader(world.folder()));
  CHECK(restored.error().detail.find("500 entries are stored, 600 were acknowledged") != std::string::npos);
  // The clone grows past the mark with other entries, as if its mark folder had been restored too.
  const fs::path other_marks = world.dir.path() / "other marks";
  CHECK(slug(Log::open(world.folder(), other_marks, world.key())) == "log.mark_missing");
  CHECK(slug(Log::accept_head(world.folder(), world.marks(), world.key())) == "log.mark_present");
  REQUIRE(Log::accept_head(world.folder(), other_marks, world.key()));
  CHECK(slug(Log::accept_head(world.folder(), other_marks, world.key())) == "log.mark_present");
  {
    Log clone = Log::open(world.folder(), other_marks, world.key()).value();
    REQUIRE(clone.append(entries_of(1000, 1200)));
  }
  CHECK(slug(world.open()) == "log.forked");
  CHECK(slug(Log::open_reader(world.folder(), Check::head, world.marks())) == "log.forked");
  // A used name with an empty folder would start a second history.
  fs::remove_all(world.folder());
  CHECK(slug(Log::create(world.folder(), world.marks(), "hezong.example/acme", world.key())) == "log.rolled_back");
}

TEST_CASE("log: a crash between commit and mark is repaired, a torn mark falls back to the older slot") {
  const World world;
  const fs::path mark = world.marks() / (hex(crypto::sha256(as_bytes("hezong.example/acme"))) + ".mark");
  {
    Log log = world.create();
    REQUIRE(log.append(entries_of(0, 10)));
  }
  const Bytes old = read_file(mark, 10000).value();
  {
    Log log = world.open().value();
    REQUIRE(log.append(entries_of(10, 20)));
  }
  REQUIRE(write_file_durably(mark, old));
  CHECK(world.open().value().head().size == 20);
  CHECK(read_file(mark, 10000).value() != old);
  // Either slot may be torn; both may not.
  const Bytes now = read_file(mark, 10000).value();
  for (const std::size_t slot : {0, 1}) {
    Bytes torn = now;
    torn[slot * 4096 + 100] ^= 1;
    REQUIRE(write_file_durably(mark, torn));
    CHECK(world.open());
  }
  REQUIRE(write_file_durably(mark, Bytes(8192)));
  CHECK(slug(world.open()) == "log.mark_missing");
}

TEST_CASE("log: a flipped byte in any entry, tile, head or checkpoint is found at start-up and named") {
  const World world;
  {
    Log log = world.create();
    REQUIRE(log.append(entries_of(0, 700)));
  }
  const fs::path sound = world.dir.path() / "sound";
  fs::copy(world.folder(), sound, fs::copy_options::recursive);
  const auto after = [&](const auto& damage) {
    fs::remove_all(world.folder());
    fs::copy(sound, world.folder(), fs::copy_options::recursive);
    damage();
    const auto opened = world.open();
    return opened ? std::string("ok") : opened.error().text();
  };
  const auto flipped = [&](std::string_view table, std::string_view column, std::string_view where, std::size_t byte) {
    return after([&] { world.flip(table, column, where, byte); });
  };
  const auto ran = [&](std::string_view statement) { return after([&] { world.damage(statement); }); };
  const auto holds = [](const std::string& text, std::string_view a, std::string_view b) {
    INFO(text);
    CHECK(text.starts_with(a));
    CHECK(text.find(b) != std::string::npos);
  };
  holds(flipped("entry", "leaf", "idx = 5", 2), "log.leaf_corrupt", "entry 5 ");
  holds(flipped("entry", "leaf", "idx = 511", 0), "log.leaf_corrupt", "entry 511 ");
  holds(flipped("entry", "leaf", "idx = 699", 1), "log.leaf_corrupt", "entry 699 ");
  holds(ran("DELETE FROM entry WHERE idx = 300"), "log.leaf_corrupt", "entry 300");
  holds(ran("DELETE FROM entry WHERE idx = 699"), "log.leaf_corrupt", "entry 699");
  holds(flipped("tile", "hashes", "level = 0 AND n = 1", 64), "log.tile_corrupt", "hash 2 of tile/0/001 ");
  holds(flipped("tail", "hash", "idx = 514", 31), "log.tile_corrupt", "hash 2 of tile/0/002.p/188 ");
  holds(ran("DELETE FROM tail WHERE idx = 512"), "log.tile_corrupt", "partial tile");
  holds(flipped("tile", "hashes", "level = 1 AND n = 0", 63), "log.tile_corrupt", "hash 1 of tile/1/000.p/2 ");
  holds(ran("DELETE FROM tile WHERE level = 0 AND n = 0"), "log.tile_corrupt", "tile/0/000");
  holds(ran("DELETE FROM tile WHERE level = 1"), "log.tile_corrupt", "partial tile");
  holds(flipped("head", "root", "one = 1", 31), "log.head_corrupt", "root");
  holds(ran("UPDATE head SET size = 699"), "log.head_corrupt", "size 699");
  holds(ran("UPDATE head SET checkpoint = replace(checkpoint, '700', '701')"), "log.head_corrupt",
        "log.note_signature");
  holds(ran("UPDATE log SET vkey = replace(vkey, 'acme', 'acmd')"), "log.head_corrupt", "stored key");
  holds(ran("DELETE FROM head"), "log.head_corrupt", "head row");
}

TEST_CASE("log: an entry exchanged together with its tile hash is still refused") {
  const World world;
  {
    Log log = world.create();
    REQUIRE(log.append(entries_of(0, 700)));
  }
  {
    sql::Db db = sql::Db::open(world.folder() / "log.db", sql::Mode::writer).value();
    const Bytes leaf{1, 2, 3};
    const Digest hash = crypto::leaf_hash(leaf);
    REQUIRE(db.exec("UPDATE entry SET leaf = ? WHERE idx = 0", {ByteView(leaf)}));
    REQUIRE(db.exec("UPDATE tile SET hashes = CAST(? || substr(hashes, 33) AS BLOB) WHERE level = 0 AND n = 0",
                    {ByteView(hash)}));
  }
  const auto opened = world.open();
  CHECK(slug(opened) == "log.tile_corrupt");
  CHECK(opened.error().detail.find("tile/0/000") != std::string::npos);
  CHECK(slug(world.open(Check::tiles)) == "log.tile_corrupt");
}

TEST_CASE("log: a full check names a changed id column and every one of several faults") {
  const World world;
  {
    Log log = world.create();
    REQUIRE(log.append(entries_of(0, 400)));
  }
  const auto identify = [](ByteView leaf) -> Result<Identity> { return identity_of(leaf); };
  Log reader = Log::open_reader(world.folder()).value();
  world.flip("entry", "id", "idx = 7", 0);
  world.flip("entry", "leaf", "idx = 20", 0);
  world.flip("entry", "leaf", "idx = 390", 0);
  const auto faults = reader.fsck(silent_progress(), identify).value().faults;
  std::string all;
  for (const Error& fault : faults) all += fault.text() + "\n";
  INFO(all);
  CHECK(all.find("log.index_corrupt: entry 7:") != std::string::npos);
  CHECK(all.find("log.leaf_corrupt: entry 20 ") != std::string::npos);
  CHECK(all.find("log.leaf_corrupt: entry 390 ") != std::string::npos);
}

TEST_CASE("log: a proof of another leaf, index or log does not verify") {
  const World world, other{.dir = {}, .seed = 99};
  Log log = world.create();
  REQUIRE(log.append(entries_of(0, 300)));
  const Proof proof = parse_proof(log.prove(123).value()).value();
  REQUIRE(verify_proof(proof, log.key()));
  Proof changed = proof;
  changed.extra = entry_of(124).leaf;
  CHECK(slug(verify_proof(changed, log.key())) == "log.proof_wrong");
  changed = proof;
  changed.index = 122;
  CHECK(slug(verify_proof(changed, log.key())) == "log.proof_wrong");
  changed = proof;
  changed.path.pop_back();
  CHECK(slug(verify_proof(changed, log.key())) == "log.proof_wrong");
  changed = proof;
  changed.extra.clear();
  CHECK(slug(verify_proof(changed, log.key())) == "log.proof_leaf");
  Log stranger = other.create();
  CHECK(slug(verify_proof(proof, stranger.key())) == "log.note_unsigned");
}

TEST_CASE("log: the same entries and key give the same export, byte for byte") {
  const World a, b;
  Log one = a.create(), many = b.create();
  REQUIRE(one.append(entries_of(0, 600)));
  for (std::uint64_t i = 0; i < 600; i += 37) REQUIRE(many.append(entries_of(i, std::min<std::uint64_t>(600, i + 37))));
  REQUIRE(one.publish_tree(a.dir.path() / "out", silent_progress()));
  REQUIRE(many.publish_tree(b.dir.path() / "out", silent_progress()));
  std::size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(a.dir.path() / "out")) {
    if (!entry.is_regular_file()) continue;
    ++files;
    const auto twin = b.dir.path() / "out" / fs::relative(entry.path(), a.dir.path() / "out");
    CHECK(read_file(entry.path(), 1 << 26).value() == read_file(twin, 1 << 26).value());
  }
  CHECK(files == tiles_of(600).size() + 1);
}
