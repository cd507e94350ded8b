#include <doctest/doctest.h>

#include "base/json.h"
#include "crypto/hash.h"
#include "log/cosignature.h"
#include "log/proof.h"
#include "log/store.h"
#include "log/tile.h"

using namespace hz;
using namespace hz::log;

namespace {

json::Value vectors() {
  return json::parse(read_text(fs::path(HZ_SOURCE_DIR) / "spec/vectors/log.json", 1 << 20).value()).value();
}
crypto::SigningKey key_of(std::string_view seed_hex) {
  return crypto::SigningKey::from_seed(parse_digest(seed_hex).value());
}
std::uint64_t number(const json::Value& row, std::string_view name) {
  return static_cast<std::uint64_t>(*row.find(name)->integer());
}

// The log of the vectors, grown to their head sizes one by one.
Log grow(const TempDir& dir, const json::Value& v, const std::function<void(Log&, const json::Value& head)>& at_head) {
  Log log = Log::create(dir.path() / "log", dir.path() / "mark", v.text("origin"), key_of(v.text("seed"))).value();
  for (const json::Value& head : *v.find("heads")->array()) {
    std::vector<Entry> batch;
    for (std::uint64_t i = log.head().size; i < number(head, "size"); ++i) {
      const std::string text = fmt::format("vector entry {}", i);
      Entry entry{Bytes(text.begin(), text.end()), crypto::sha256(as_bytes(text)), {}};
      std::copy_n(entry.id.begin(), 16, entry.idem.begin());
      batch.push_back(std::move(entry));
    }
    REQUIRE(log.append(batch));
    at_head(log, head);
  }
  return log;
}

}  // namespace

TEST_CASE("vectors: checkpoints, tiles and bundles equal those of an independent implementation byte for byte") {
  const auto v = vectors();
  const TempDir dir;
  Log log = grow(dir, v, [](Log& now, const json::Value& head) { CHECK(now.checkpoint() == head.text("checkpoint")); });
  CHECK(format_vkey(log.key()) == v.text("vkey"));
  const auto& files = *v.find("files")->object();
  CHECK(files.size() == tiles_of(700).size());
  for (const auto& [path, want] : files) {
    INFO(path);
    const TileId tile = parse_tile_path(path).value();
    const Bytes bytes =
        tile.entries ? log.bundle(tile.n, tile.width).value() : log.tile(tile.level, tile.n, tile.width).value();
    CHECK(bytes.size() == number(want, "size"));
    CHECK(hex(crypto::sha256(bytes)) == want.text("sha256"));
  }
}

TEST_CASE("vectors: proofs equal those of an independent implementation, and verify") {
  const auto v = vectors();
  const TempDir dir;
  const auto& proofs = *v.find("proofs")->array();
  std::size_t seen = 0;
  Log log = grow(dir, v, [&](Log& now, const json::Value&) {
    for (const json::Value& row : proofs) {
      if (number(row, "size") != now.head().size) continue;
      CHECK(now.prove(number(row, "index")).value() == row.text("proof"));
      CHECK(verify_proof(parse_proof(row.text("proof")).value(), now.key()));
      ++seen;
    }
  });
  CHECK(seen == proofs.size());
  for (const json::Value& row : *v.find("consistency")->array()) {
    std::vector<std::string> hashes, want;
    // Named first: g++ 12 ends a temporary before the loop over what it holds.
    const auto proof = log.consistency_proof(number(row, "old"), number(row, "new")).value();
    for (const Digest& hash : proof) hashes.push_back(hex(hash));
    for (const json::Value& hash : *row.find("hashes")->array()) want.push_back(*hash.string());
    CHECK(hashes == want);
  }
}

TEST_CASE("vectors: a witness line equals that of an independent implementation, and counts") {
  const auto v = vectors();
  const json::Value& w = *v.find("witness");
  Note note = parse_note(v.find("heads")->array()->back().text("checkpoint")).value();
  const auto secret = key_of(w.text("seed"));
  note.signatures.push_back(cosign(note.text, w.text("name"), secret, number(w, "time_s")));
  CHECK(format_note(note).ends_with("\n" + std::string(w.text("line"))));
  const NoteKey known[] = {parse_vkey(v.text("vkey")).value(), parse_vkey(w.text("vkey")).value()};
  CHECK(verify_note(note, known).value().size() == 2);
}
