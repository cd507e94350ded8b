#include "log/mirror.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "log/test_world.h"
#include "log/tile.h"
#include "sql/db.h"

using namespace hz;
using namespace hz::log;
using namespace hz::log::test;

namespace {

struct World {
  TempDir dir;
  Log log = create_log(dir.path() / "origin");
  fs::path folder() const { return dir.path() / "mirror"; }
  Mirror open() { return Mirror::open(folder(), log.key(), identify).value(); }
};

// Pulls until complete; counts the calls.
int pull_all(Mirror& mirror, const http::Exchange& exchange, const PullLimits& limits = {}) {
  for (int calls = 1;; ++calls) {
    const Pulled step = mirror.pull(exchange, "", limits).value();
    REQUIRE((step.complete || step.leaves > 0));
    if (step.complete) return calls;
  }
}

}  // namespace

TEST_CASE("mirror: the copy holds, proves, exports and serves what the log does") {
  World w;
  Mirror mirror = w.open();
  CHECK(slug(Log::open_reader(w.folder())) == "log.mirror_empty");
  std::uint64_t at = 0;
  for (const std::uint64_t size : {0, 1, 255, 256, 257, 700, 1024, 5000}) {
    if (size > at) REQUIRE(w.log.append(entries_of(at, size)));
    at = size;
    CHECK(pull_all(mirror, exchange_of(w.log)) == 1);
    CHECK(mirror.head() == w.log.head());
    Log copy = Log::open_reader(w.folder(), Check::leaves).value();
    REQUIRE(copy.head() == w.log.head());
    CHECK(copy.fsck(silent_progress(), identify).value().faults.empty());
    for (const TileId& tile : tiles_of(size))
      REQUIRE((tile.entries ? copy.bundle(tile.n, tile.width) : copy.tile(tile.level, tile.n, tile.width)).value() ==
              (tile.entries ? w.log.bundle(tile.n, tile.width) : w.log.tile(tile.level, tile.n, tile.width)).value());
    if (size > 0) CHECK(copy.prove(size / 2).value() == w.log.prove(size / 2).value());
    if (size > 0) CHECK(copy.find(identity_of(leaf_of(size - 1)).id).value() == size - 1);
    // A mirror of the mirror.
    Mirror second = Mirror::open(w.dir.path() / fmt::format("second{}", size), w.log.key(), identify).value();
    pull_all(second, exchange_of(copy));
    CHECK(second.head() == w.log.head());
  }
}

TEST_CASE("mirror: small steps and a new process after each give the same copy, and each fetches only what is new") {
  World w;
  REQUIRE(w.log.append(entries_of(0, 3000)));
  int calls = 0;
  std::map<std::string, int> fetched;
  const auto counting = [&](const http::Request& request) -> Result<http::Response> {
    ++fetched[request.path];
    return serve(w.log, request, "");
  };
  for (bool complete = false; !complete; ++calls) {
    Mirror mirror = w.open();
    complete = mirror.pull(counting, "", {.leaves_max = 512}).value().complete;
    if (!complete) CHECK(mirror.head().size == 0);
    CHECK(mirror.stored() == std::min<std::uint64_t>(3000, 512 * (static_cast<std::uint64_t>(calls) + 1)));
  }
  CHECK(calls == 6);
  for (const auto& [path, times] : fetched)
    if (path.starts_with("/tile/entries/")) CHECK(times == 1);
  // Half way to a larger head the old one is what readers see, and it holds.
  REQUIRE(w.log.append(entries_of(3000, 6000)));
  Mirror mirror = w.open();
  CHECK_FALSE(mirror.pull(counting, "", {.leaves_max = 512}).value().complete);
  Log copy = Log::open_reader(w.folder(), Check::leaves).value();
  CHECK(copy.head().size == 3000);
  CHECK(copy.fsck(silent_progress(), identify).value().faults.empty());
  CHECK(copy.prove(2999).has_value());
  pull_all(mirror, exchange_of(w.log), {.leaves_max = 1});
  REQUIRE(copy.refresh());
  CHECK(copy.head() == w.log.head());
}

TEST_CASE("mirror: a server that changes one byte of any file is refused, nothing is stored, another one helps") {
  World w;
  REQUIRE(w.log.append(entries_of(0, 2000)));
  SeededRng rng(3);
  for (const std::uint64_t leaves_max : {std::uint64_t{512}, std::uint64_t{100'000}}) {
    for (int round = 0; round < 60; ++round) {
      TempDir dir;
      Mirror mirror = Mirror::open(dir.path() / "m", w.log.key(), identify).value();
      const std::uint64_t victim = rng.below(6);
      std::uint64_t nth = 0;
      bool changed = false;
      const auto lying = [&](const http::Request& request) -> Result<http::Response> {
        auto response = serve(w.log, request, "");
        if (nth++ == victim && !response.body.empty()) {
          const auto at = rng.below(response.body.size());
          response.body[at] = static_cast<char>(response.body[at] ^ (1 << rng.below(7)));
          changed = true;
        }
        return response;
      };
      const auto step = mirror.pull(lying, "", {.leaves_max = leaves_max});
      if (!changed) continue;
      CAPTURE(victim);
      // A changed tile byte that no proof needed is no lie about what was stored.
      if (step) {
        CHECK(leaves_max == 512);
      } else {
        CHECK(mirror.stored() == 0);
      }
      pull_all(mirror, exchange_of(w.log), {.leaves_max = leaves_max});
      CHECK(Log::open_reader(dir.path() / "m", Check::leaves).value().head() == w.log.head());
    }
  }
}

TEST_CASE("mirror: a smaller head is reported with both notes, a fork with evidence that convinces anybody") {
  World w;
  Log other = create_log(w.dir.path() / "other");
  REQUIRE(w.log.append(entries_of(0, 300)));
  REQUIRE(other.append(entries_of(0, 250)));
  Mirror mirror = w.open();
  pull_all(mirror, exchange_of(w.log));
  const auto evidence = [&] {
    return verify_fork(mirror.conflict().value().evidence.value(), w.log.key()).has_value();
  };

  CHECK(slug(mirror.pull(exchange_of(other), "")) == "log.mirror_behind");
  CHECK(mirror.conflict()->ours == w.log.checkpoint());
  CHECK(mirror.conflict()->theirs == other.checkpoint());
  CHECK_FALSE(mirror.conflict()->evidence);

  REQUIRE(other.append(entries_of(250, 280, "other")));
  CHECK(slug(mirror.pull(exchange_of(other), "")) == "log.mirror_forked");  // smaller and different
  CHECK(evidence());
  REQUIRE(other.append(entries_of(280, 300, "other")));
  CHECK(slug(mirror.pull(exchange_of(other), "")) == "log.mirror_forked");  // same size
  CHECK(evidence());
  REQUIRE(other.append(entries_of(300, 2000, "other")));
  for (const std::uint64_t leaves_max : {512, 100'000}) {
    CHECK(slug(mirror.pull(exchange_of(other), "", {.leaves_max = leaves_max})) == "log.mirror_forked");
    CHECK(evidence());
  }
  CHECK(mirror.head() == w.log.head());
  CHECK(mirror.stored() == 300);
  REQUIRE(w.log.append(entries_of(300, 400)));
  pull_all(mirror, exchange_of(w.log));
  CHECK_FALSE(mirror.conflict());
}

TEST_CASE("mirror: foreign keys, own logs and foreign folders are refused") {
  World w;
  const NoteKey stranger{std::string(origin), KeyType::ed25519, key_of(9).verifying_key()};
  {
    Mirror mirror = Mirror::open(w.folder(), stranger, identify).value();
    CHECK(slug(mirror.pull(exchange_of(w.log), "")) == "log.note_unsigned");
  }
  CHECK(slug(Mirror::open(w.folder(), w.log.key(), identify)) == "log.wrong_key");
  const fs::path own = w.dir.path() / "own";
  {
    const Log log = create_log(own);
  }
  CHECK(slug(Mirror::open(own / "log", w.log.key(), identify)) == "log.exists");
}

TEST_CASE("mirror: leaves that nobody can identify, or twice, are kept all the same") {
  World w;
  std::vector<Entry> entries = entries_of(0, 10);
  entries[7].leaf = entries[3].leaf;  // its log lets it stand twice, under another id
  REQUIRE(w.log.append(entries));
  const auto picky = [](ByteView leaf) -> Result<Identity> {
    if (as_text(leaf).starts_with("entry 5")) return fail(hz::why("base.text_form"), "no");
    return identity_of(leaf);
  };
  Mirror mirror = Mirror::open(w.folder(), w.log.key(), picky).value();
  pull_all(mirror, exchange_of(w.log));
  Log copy = Log::open_reader(w.folder(), Check::leaves).value();
  CHECK(copy.leaf(7).value() == copy.leaf(3).value());
  CHECK(copy.find(identity_of(entries[3].leaf).id).value() == 3);
  CHECK(copy.leaf(5).value() == entries[5].leaf);
}

TEST_CASE("mirror: a flipped byte in the copy is found when it is opened, as in an own log") {
  World w;
  REQUIRE(w.log.append(entries_of(0, 600)));
  {
    Mirror mirror = w.open();
    pull_all(mirror, exchange_of(w.log));
  }
  sql::Db db = sql::Db::open(w.folder() / "log.db", sql::Mode::writer).value();
  REQUIRE(db.exec("UPDATE entry SET leaf = CAST('changed' AS BLOB) WHERE idx = 400"));
  const auto opened = Mirror::open(w.folder(), w.log.key(), identify);
  CHECK(slug(opened) == "log.leaf_corrupt");
  CHECK(opened.error().detail.find("entry 400") != std::string::npos);
}

namespace {

// A log whose entries "key N" name the key of seed N from the next position on.
class SeedKeys : public HeadKeys {
 public:
  std::unique_ptr<HeadKeys> copy() const override { return std::make_unique<SeedKeys>(*this); }
  std::uint64_t next() const override { return next_; }
  void read(std::uint64_t index, ByteView leaf) override {
    next_ = std::max(next_, index + 1);
    const std::string_view text = as_text(leaf);
    if (!text.starts_with("key ") || keys_.contains(index + 1)) return;
    keys_.emplace(index + 1, key(static_cast<std::uint64_t>(std::stoi(std::string(text.substr(4))))));
  }
  std::vector<NoteKey> at(std::uint64_t size) const override {
    std::vector<NoteKey> out;
    auto from = keys_.upper_bound(size);
    --from;
    out.push_back(from->second);
    if (from->first == size && from != keys_.begin()) out.push_back(std::prev(from)->second);
    return out;
  }
  bool named(const NoteKey& asked) const override {
    return std::ranges::any_of(keys_, [&](const auto& k) { return k.second == asked; });
  }
  static NoteKey key(std::uint64_t seed) {
    return {std::string(origin), KeyType::ed25519, key_of(seed).verifying_key()};
  }

 private:
  std::uint64_t next_ = 0;
  std::map<std::uint64_t, NoteKey> keys_{{0, key(42)}};
};

void rotate(Log& log, std::uint64_t seed) {
  std::vector<Entry> change = entries_of(log.head().size, log.head().size + 1);
  change[0].leaf = Bytes();
  for (const char c : fmt::format("key {}", seed)) change[0].leaf.push_back(static_cast<std::uint8_t>(c));
  change[0].id = identity_of(change[0].leaf).id;
  change[0].idem = identity_of(change[0].leaf).idem;
  REQUIRE(log.append(change));
  REQUIRE(log.rekey(key_of(seed)));
}

}  // namespace

TEST_CASE("mirror: a change of the log's key is followed, wherever the pulls before it stopped") {
  for (const std::uint64_t before : {0, 1, 299, 300, 301}) {
    for (const std::uint64_t leaves_max : {std::uint64_t{256}, std::uint64_t{100'000}}) {
      CAPTURE(before);
      CAPTURE(leaves_max);
      World w;
      const auto open = [&] { return Mirror::open(w.folder(), std::make_unique<SeedKeys>(), identify).value(); };
      const auto pull_to_end = [&](Mirror& mirror) {
        for (int calls = 0; !mirror.pull(exchange_of(w.log), "", {.leaves_max = leaves_max}).value().complete; ++calls)
          REQUIRE(calls < 50);
        REQUIRE(mirror.head() == w.log.head());
      };
      REQUIRE(w.log.append(entries_of(0, std::min<std::uint64_t>(before, 300))));
      if (before > 0) {
        Mirror mirror = open();
        pull_to_end(mirror);
      }
      std::optional<Log> reader;
      if (before > 0) reader = Log::open_reader(w.folder()).value();
      if (before < 300) REQUIRE(w.log.append(entries_of(before, 300)));
      rotate(w.log, 43);
      if (before == 301) {
        Mirror mirror = open();
        pull_to_end(mirror);
      }
      REQUIRE(w.log.append(entries_of(301, 700)));
      rotate(w.log, 44);
      REQUIRE(w.log.append(entries_of(701, 1500)));
      {
        Mirror mirror = open();
        pull_to_end(mirror);
        CHECK(mirror.key() == SeedKeys::key(44));
      }
      Mirror again = open();
      CHECK(again.head() == w.log.head());
      // A reader that was open all the time goes on.
      if (reader) {
        REQUIRE(reader->refresh());
        CHECK(reader->key() == SeedKeys::key(44));
      }
      CHECK(Log::open_reader(w.folder(), Check::leaves).value().head() == w.log.head());
    }
  }
}

TEST_CASE("mirror: a head under a key that no leaf names is refused, and an old key does not come back") {
  World w;
  REQUIRE(w.log.append(entries_of(0, 600)));
  {
    Log rekeyed = create_log(w.dir.path() / "other");
    REQUIRE(rekeyed.append(entries_of(0, 600)));
    REQUIRE(rekeyed.rekey(key_of(50)));
    REQUIRE(rekeyed.append(entries_of(600, 700)));
    Mirror mirror = Mirror::open(w.folder(), std::make_unique<SeedKeys>(), identify).value();
    Result<Pulled> step = mirror.pull(exchange_of(rekeyed), "", {.leaves_max = 256});
    while (step) {
      REQUIRE(step->leaves == 0);
      step = mirror.pull(exchange_of(rekeyed), "", {.leaves_max = 256});
    }
    CHECK(slug(step) == "log.note_unsigned");
    CHECK(mirror.stored() == 0);
  }
  rotate(w.log, 43);
  REQUIRE(w.log.append(entries_of(601, 620)));
  Mirror mirror = Mirror::open(w.folder(), std::make_unique<SeedKeys>(), identify).value();
  pull_all(mirror, exchange_of(w.log));
  // The thief of the old key writes on where the owner left it.
  Log thief = create_log(w.dir.path() / "thief");
  REQUIRE(thief.append(entries_of(0, 900)));
  CHECK(slug(mirror.pull(exchange_of(thief), "")) == "log.note_unsigned");
  CHECK(mirror.head() == w.log.head());
}

TEST_CASE("mirror: a fork over a change of keys is evidence, each head under the key of its size") {
  World w;
  REQUIRE(w.log.append(entries_of(0, 100)));
  Log before = create_log(w.dir.path() / "before");  // the same first entries, then another one
  REQUIRE(before.append(entries_of(0, 90)));
  REQUIRE(before.append(entries_of(90, 95, "other")));
  rotate(w.log, 43);
  REQUIRE(w.log.append(entries_of(101, 130)));
  Mirror mirror = Mirror::open(w.folder(), std::make_unique<SeedKeys>(), identify).value();
  pull_all(mirror, exchange_of(w.log));
  CHECK(slug(mirror.pull(exchange_of(before), "")) == "log.mirror_forked");
  const Fork fork = mirror.conflict().value().evidence.value();
  CHECK(slug(verify_fork(fork, w.log.key())) == "log.note_unsigned");
  SeedKeys keys;
  for (std::uint64_t i = 0; i < 130; ++i) keys.read(i, w.log.leaf(i).value());
  CHECK(verify_fork(fork, [&](std::uint64_t size) { return keys.at(size); }));
}

TEST_CASE("mirror: a copy that is served all the time shows each new head") {
  World w;
  REQUIRE(w.log.append(entries_of(0, 10)));
  Mirror mirror = w.open();
  pull_all(mirror, exchange_of(w.log));
  Log copy = Log::open_reader(w.folder()).value();
  Mirror second = Mirror::open(w.dir.path() / "second", w.log.key(), identify).value();
  pull_all(second, exchange_of(copy));
  REQUIRE(w.log.append(entries_of(10, 600)));
  pull_all(mirror, exchange_of(w.log));
  pull_all(second, exchange_of(copy));
  CHECK(second.head() == w.log.head());
}
