#include "log/fork.h"

#include <doctest/doctest.h>

#include "log/cosignature.h"
#include "log/test_world.h"
#include "log/tile_reader.h"

using namespace hz;
using namespace hz::log;
using namespace hz::log::test;

namespace {

// One key, two histories that share their first `shared` entries.
struct TwoHistories {
  TempDir one_dir, two_dir;
  Log one = create_log(one_dir.path()), two = create_log(two_dir.path());
  TwoHistories(std::uint64_t shared, std::uint64_t size_one, std::uint64_t size_two) {
    if (shared > 0) REQUIRE((one.append(entries_of(0, shared)) && two.append(entries_of(0, shared))));
    if (size_one > shared) REQUIRE(one.append(entries_of(shared, size_one, "one")));
    if (size_two > shared) REQUIRE(two.append(entries_of(shared, size_two, "two")));
  }
  Result<std::optional<Fork>> find() {
    TileReader reader(exchange_of(two), "");
    return find_fork(one.checkpoint(), two.checkpoint(), one.key(), reader.nodes(two.head().size));
  }
};

}  // namespace

TEST_CASE("fork: two histories are proven at many sizes, from the notes and the tiles of one server") {
  for (const auto& [shared, a, b] : std::vector<std::array<std::uint64_t, 3>>{{0, 1, 2},
                                                                              {0, 1, 1},
                                                                              {3, 4, 5},
                                                                              {3, 4, 9},
                                                                              {200, 256, 300},
                                                                              {200, 257, 700},
                                                                              {255, 512, 513},
                                                                              {10, 700, 1000}}) {
    CAPTURE(a);
    CAPTURE(b);
    TwoHistories world(shared, a, b);
    const auto found = world.find().value();
    REQUIRE(found);
    const Forked forked = verify_fork(*found, world.one.key()).value();
    CHECK(forked.first.size == a);
    CHECK(forked.second.size == b);
    const std::string text = format_fork(*found);
    CHECK(parse_fork(text).value() == *found);
    CHECK(text.size() < 1600);
    // The other order gives the same evidence.
    TileReader reader(exchange_of(world.two), "");
    CHECK(find_fork(world.two.checkpoint(), world.one.checkpoint(), world.one.key(), reader.nodes(b)).value() == found);
    CHECK(slug(verify_fork(*found, {std::string(origin), KeyType::ed25519, key_of(7).verifying_key()})) ==
          "log.note_unsigned");
  }
}

TEST_CASE("fork: every changed, missing or added byte of the evidence is refused") {
  for (const auto& [a, b] : {std::pair{256, 300}, {700, 1000}, {300, 300}}) {
    TwoHistories world(100, a, b);
    const std::string text = format_fork(*world.find().value());
    const auto holds = [&](const std::string& bytes) {
      const auto fork = parse_fork(bytes);
      return fork && verify_fork(*fork, world.one.key()).has_value();
    };
    REQUIRE(holds(text));
    for (std::size_t at = 0; at < text.size(); ++at)
      for (const int bit : {0, 1, 5}) {
        std::string bad = text;
        bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
        if (holds(bad)) FAIL_CHECK("accepted: byte ", at, " bit ", bit, " of ", a, " ", b);
      }
    for (std::size_t at = 0; at < text.size(); ++at) {
      if (holds(text.substr(0, at))) FAIL_CHECK("accepted: cut at ", at);
      if (holds(text.substr(0, at) + "\n" + text.substr(at))) FAIL_CHECK("accepted: line end added at ", at);
    }
    CHECK_FALSE(holds(text + "x"));
  }
}

TEST_CASE("fork: honest growth gives no evidence, and none can be made up") {
  TwoHistories world(700, 700, 1000);
  CHECK_FALSE(world.find().value().has_value());
  Log& log = world.two;
  const auto path = log.consistency_proof(700, 1000).value();
  // The true proof, and the true proof with another root, accuse nobody.
  const Fork honest{world.one.checkpoint(), log.checkpoint(), log.root_at(700).value(), path};
  CHECK(slug(verify_fork(honest, log.key())) == "log.fork_unproven");
  Fork false_root = honest;
  false_root.first_root[0] ^= 1;
  CHECK(slug(verify_fork(false_root, log.key())) == "log.fork_unproven");
  CHECK(slug(verify_fork({log.checkpoint(), log.checkpoint(), {}, {}}, log.key())) == "log.fork_unproven");
  CHECK(slug(verify_fork({log.checkpoint(), world.one.checkpoint(), {}, {}}, log.key())) == "log.fork_unproven");
  CHECK(slug(verify_fork({log.checkpoint(), log.checkpoint(), honest.first_root, path}, log.key())) ==
        "log.fork_unproven");
}

TEST_CASE("fork: tiles that do not lead to the signed root prove nothing") {
  TwoHistories world(100, 700, 1000);
  TileReader wrong(exchange_of(world.one), "");
  const auto source = [&, nodes = wrong.nodes(700)](crypto::Node node) -> Result<Digest> {
    return (node.index + 1) << node.level <= 700 ? nodes(node) : Result<Digest>(Digest{});
  };
  CHECK(slug(find_fork(world.one.checkpoint(), world.two.checkpoint(), world.one.key(), source)) == "log.fork_source");
}

TEST_CASE("fork: cosignatures on the notes are left out of the evidence") {
  TwoHistories world(1, 2, 3);
  Note note = parse_note(world.one.checkpoint()).value();
  note.signatures.push_back(cosign(note.text, "w.example", key_of(9), 5));
  TileReader reader(exchange_of(world.two), "");
  const auto found =
      find_fork(format_note(note), world.two.checkpoint(), world.one.key(), reader.nodes(3)).value().value();
  CHECK(found.first == world.one.checkpoint());
}
