#include "log/witness.h"

#include <doctest/doctest.h>

#include <chrono>
#include <ctime>

#include "log/cosignature.h"
#include "log/fork.h"
#include "log/test_world.h"

using namespace hz;
using namespace hz::log;
using namespace hz::log::test;

namespace {

struct World {
  TempDir dir;
  Log log = create_log(dir.path());
  ManualClock clock{1'800'000'000'000};
  Witness witness = open();
  Witness open() {
    Witness out = Witness::open(dir.path() / "witness.db", "w.example/1", key_of(7), clock).value();
    out.watch({log.key()});
    return out;
  }
  http::Response post(std::string body, std::string path = "/w/add-checkpoint") {
    http::Request request;
    request.method = "POST";
    request.path = std::move(path);
    request.body = std::move(body);
    return witness.answer(request, "/w");
  }
  http::Response add(std::uint64_t old_size, std::vector<Digest> path, std::string checkpoint) {
    return post(format_add_checkpoint({old_size, std::move(path), std::move(checkpoint)}));
  }
  http::Response monitor(std::string_view of = origin) {
    http::Request request;
    request.path = fmt::format("/w/{}/checkpoint", origin_hash(of));
    return witness.answer(request, "/w");
  }
  std::string signed_head(std::uint64_t size, const Digest& root, std::uint64_t seed = 42) {
    return sign_checkpoint({std::string(origin), size, root}, key_of(seed));
  }
};

// The time of the one line in a 200 answer, verified under the witness's key.
std::uint64_t time_of(const http::Response& response, const std::string& checkpoint, const NoteKey& key) {
  REQUIRE(response.status == 200);
  const Note base = parse_note(checkpoint).value();
  const Note note = parse_note(base.text + "\n" + response.body).value();
  REQUIRE(verify_note(note, std::span(&key, 1)).value().size() == 1);
  REQUIRE(note.signatures.size() == 1);
  return parse_cosignature(note.signatures[0].signature).value().time_s;
}

}  // namespace

TEST_CASE("witness: cosigns a growing log and shows the newest head with both signatures") {
  World w;
  CHECK(w.monitor().status == 404);
  const std::string empty = w.log.checkpoint();
  CHECK(time_of(w.add(0, {}, empty), empty, w.witness.key()) == 1'800'000'000);
  REQUIRE(w.log.append(entries_of(0, 300)));
  CHECK(w.add(0, {}, w.log.checkpoint()).status == 200);
  REQUIRE(w.log.append(entries_of(300, 1000)));
  w.clock.advance_ms(5000);
  const auto proof = w.log.consistency_proof(300, 1000).value();
  CHECK(time_of(w.add(300, proof, w.log.checkpoint()), w.log.checkpoint(), w.witness.key()) == 1'800'000'005);
  const auto shown = w.monitor();
  REQUIRE(shown.status == 200);
  const NoteKey both[] = {w.log.key(), w.witness.key()};
  CHECK(verify_note(parse_note(shown.body).value(), both).value().size() == 2);
  CHECK(open_checkpoint(shown.body, w.log.key()).value().size == 1000);
}

TEST_CASE("witness: every refusal of the specification has its status") {
  World w;
  REQUIRE(w.log.append(entries_of(0, 700)));
  const std::string head = w.log.checkpoint();
  REQUIRE(w.log.append(entries_of(700, 1000)));
  const std::string next = w.log.checkpoint();
  const auto proof = w.log.consistency_proof(700, 1000).value();
  const Digest root = w.log.head().root;

  CHECK(w.add(0, proof, next).status == 422);  // a proof from size 0
  CHECK(w.add(0, {}, w.signed_head(0, root)).status == 422);
  CHECK(w.add(0, {}, head).status == 200);

  CHECK(w.post("").status == 400);
  CHECK(w.post("old 700\n").status == 400);
  CHECK(w.post("old 0700\n\n" + next).status == 400);
  CHECK(w.post("old 700\nnothash\n\n" + next).status == 400);
  CHECK(w.post("old 700\n\n" + next.substr(0, next.size() - 1)).status == 400);
  CHECK(w.add(700, std::vector<Digest>(64), next).status == 400);
  CHECK(w.add(1001, {}, next).status == 400);
  CHECK(w.post(std::string(add_checkpoint_size_bytes_max + 1, 'x')).status == 400);

  CHECK(w.add(700, proof, w.signed_head(1000, root, 43)).status == 403);  // unknown key
  std::string bad = next;
  bad[bad.size() - 10] = bad[bad.size() - 10] == 'A' ? 'B' : 'A';
  CHECK(w.add(700, proof, bad).status == 403);  // known key, bad signature
  CHECK(w.add(0, {}, sign_checkpoint({"other.example/x", 0, crypto::empty_root()}, key_of(1))).status == 404);

  for (const std::uint64_t old : {0, 699, 701}) {
    const auto conflict = w.add(old, old == 0 ? std::vector<Digest>() : proof, next);
    CHECK(conflict.status == 409);
    CHECK(conflict.body == "700\n");
    CHECK(http::header(conflict.headers, "content-type") == "text/x.tlog.size");
  }
  CHECK(w.add(700, {}, next).status == 422);
  auto wrong = proof;
  wrong[1][3] ^= 1;
  CHECK(w.add(700, wrong, next).status == 422);
  CHECK(w.add(700, proof, w.signed_head(1000, wrong[1])).status == 422);
  CHECK(w.add(700, {}, w.signed_head(700, root)).status == 422);  // another root for the size

  // Nothing of this moved the memory.
  CHECK(open_checkpoint(w.monitor().body, w.log.key()).value().size == 700);
  CHECK(w.add(700, proof, next).status == 200);

  CHECK(w.post("x", "/w/other").status == 404);
  CHECK(w.post("x", "/add-checkpoint").status == 404);
  http::Request get;
  get.path = "/w/add-checkpoint";
  CHECK(w.witness.answer(get, "/w").status == 405);
  get.path = fmt::format("/w/{}/checkpoint", origin_hash(origin));
  get.query = "x";
  CHECK(w.witness.answer(get, "/w").status == 400);
}

TEST_CASE("witness: the same head again gets a fresh time, and a clock set back never an older one") {
  World w;
  REQUIRE(w.log.append(entries_of(0, 20)));
  const std::string head = w.log.checkpoint();
  CHECK(time_of(w.add(0, {}, head), head, w.witness.key()) == 1'800'000'000);
  w.clock.advance_ms(60'000);
  CHECK(time_of(w.add(20, {}, head), head, w.witness.key()) == 1'800'000'060);
  w.clock.advance_ms(-3'600'000);
  CHECK(time_of(w.add(20, {}, head), head, w.witness.key()) == 1'800'000'060);
}

TEST_CASE("witness: what was cosigned is remembered by the next process, and two objects share one memory") {
  World w;
  REQUIRE(w.log.append(entries_of(0, 20)));
  REQUIRE(w.add(0, {}, w.log.checkpoint()).status == 200);
  REQUIRE(w.log.append(entries_of(20, 30)));
  const auto proof = w.log.consistency_proof(20, 30).value();
  Witness second = w.open();
  REQUIRE(w.add(20, proof, w.log.checkpoint()).status == 200);
  std::swap(second, w.witness);
  CHECK(w.add(20, proof, w.log.checkpoint()).body == "30\n");
  w.witness = w.open();
  CHECK(w.add(20, proof, w.log.checkpoint()).body == "30\n");
}

TEST_CASE("witness: a rotated log key is trusted beside the old one, and only verified lines are shown") {
  World w;
  w.witness.watch({w.log.key(), {std::string(origin), KeyType::ed25519, key_of(43).verifying_key()}});
  Note note = parse_note(w.signed_head(0, crypto::empty_root(), 43)).value();
  note.signatures.push_back(sign_note(note.text, "stranger.example", key_of(50)));
  REQUIRE(w.add(0, {}, format_note(note)).status == 200);
  CHECK(parse_note(w.monitor().body).value().signatures.size() == 2);
}

TEST_CASE("witness: two roots for one size are kept as evidence that convinces anybody") {
  World w;
  REQUIRE(w.log.append(entries_of(0, 20)));
  REQUIRE(w.add(0, {}, w.log.checkpoint()).status == 200);
  CHECK_FALSE(w.witness.fork_of(origin).value().has_value());
  Digest other = w.log.head().root;
  other[5] ^= 1;
  CHECK(w.add(20, {}, w.signed_head(20, other)).status == 422);
  const auto evidence = w.witness.fork_of(origin).value();
  REQUIRE(evidence);
  CHECK(verify_fork(parse_fork(*evidence).value(), w.log.key()).value().first.size == 20);
}

TEST_CASE("witness: a request never costs ten milliseconds of processor time") {
  World w;
  REQUIRE(w.log.append(entries_of(0, 5000)));
  const std::string head = w.log.checkpoint();
  REQUIRE(w.add(0, {}, head).status == 200);
  const auto cpu_s = [] {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
  };
  constexpr int requests = 200;
  const double start = cpu_s();
  for (int i = 0; i < requests; ++i) REQUIRE(w.add(5000, {}, head).status == 200);
  const double each_ms = (cpu_s() - start) * 1000 / requests;
  MESSAGE("witness request: ", each_ms, " ms of processor time");
  CHECK(each_ms < 10.0);  // ten times the goal: sanitizers and debug builds run this too
}
