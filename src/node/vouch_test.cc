#include "node/vouch.h"

#include <doctest/doctest.h>

#include "alliance/keys.h"
#include "node/mount.h"
#include "node/peer_call.h"
#include "node/peer_desk.h"
#include "node/sync.h"

using namespace hz;

namespace {

struct Place {
  fs::path home;
  api::Ctx ctx;
  std::optional<node::PeerDesk> desk = {};
};

// Two members that know each other's log up to here, and whose nodes call each other in memory.
struct Pair {
  TempDir temp;
  ManualClock clock{1'795'000'000'000};
  SeededRng rng;
  Place a = place("a"), b = place("b");
  int changes = 0;

  Place place(const std::string& name) {
    const fs::path home = temp.path() / name;
    return {home, {.home = home, .mounted = node::mounted(), .seams = {&clock, &rng, &silent_progress()}}};
  }
  static void call(Place& at, std::string_view id, const std::string& input) {
    for (const api::Op* op : node::ops())
      if (op->id == id) {
        const auto done = op->call(at.ctx, json::parse(input).value(), {});
        if (!done) FAIL(std::string(id) << ": " << done.error().text());
      }
  }
  static alliance::Member& member(Place& at) { return *at.ctx.member().value(); }

  explicit Pair(std::uint64_t seed = 4) : rng(seed) {
    call(a, "member.init", R"({"name":"A","origin":"a.example/log"})");
    call(b, "member.init", R"({"name":"B","origin":"b.example/log"})");
    const std::string invite = (temp.path() / "invite").string(), card = (temp.path() / "card").string();
    call(a, "charter.adopt", R"({"name":"Two"})");
    call(a, "member.invite", fmt::format(R"({{"out":"{}","url":"http://a"}})", invite));
    call(b, "member.join", fmt::format(R"({{"file":"{}","card":"{}","url":"http://b"}})", invite, card));
    call(a, "peer.add", fmt::format(R"({{"file":"{}"}})", card));
    call(a, "member.admit", R"({"origin":"b.example/log"})");
    for (Place* p : {&a, &b}) p->desk.emplace(node::PeerDesk::open(member(*p)).value());
    for (int i = 0; i < 3; ++i) sync(a), sync(b);
  }
  void rotate(Place& at, const std::string& role = "author") {
    const std::string file = (temp.path() / fmt::format("change{}", changes++)).string();
    call(at, "key.propose", fmt::format(R"({{"change":"rotate","role":"{}","out":"{}"}})", role, file));
    call(at, "key.sign", fmt::format(R"({{"file":"{}","key":"{}"}})", file, (at.home / "keys" / "root").string()));
    call(at, "key.submit", fmt::format(R"({{"file":"{}"}})", file));
  }
  node::SyncRound sync(Place& from) {
    alliance::Member& m = member(from);
    const auto author = alliance::load_key(m.keys_folder(), alliance::Role::author).value();
    node::PeerDesk& other = *(&from == &a ? b : a).desk;
    const node::Connect connect = [&](const node::Contact& contact) -> Result<http::Exchange> {
      return node::signing([&other](const http::Request& r) -> Result<http::Response> { return other.answer(r); },
                           m.origin(), contact.origin, author.key, clock);
    };
    auto round = node::sync_once(m, connect, {.run_all = [](std::span<const std::function<void()>> tasks) {
                                   for (const auto& task : tasks) task();
                                 }});
    REQUIRE(round);
    REQUIRE(from.desk->know(m));
    return *std::move(round);
  }
  // A call of `from` as it would sign it now, to the other's desk.
  int asks(Place& from, std::optional<statement::NamedSigner> by = std::nullopt) {
    alliance::Member& m = member(from);
    Place& to = &from == &a ? b : a;
    if (!by) by = alliance::load_key(m.keys_folder(), alliance::Role::author).value();
    http::Request request{.method = "GET", .path = "/log/checkpoint"};
    node::sign_peer_call(request, m.origin(), member(to).origin(), clock.now_ms() / 1000, by->key);
    return to.desk->answer(request).status;
  }
  int show(Place& to, std::string text) { return to.desk->answer({"POST", "/keys", "", {}, std::move(text)}).status; }
};

}  // namespace

TEST_CASE("vouch: two nodes that both changed author keys before they met again find to each other") {
  Pair pair;
  CHECK(pair.asks(pair.a) == 200);
  const auto old_key = alliance::load_key(pair.a.home / "keys", alliance::Role::author).value();
  pair.rotate(pair.a);
  pair.rotate(pair.b);
  CHECK(pair.asks(pair.a) == 404);
  CHECK(pair.asks(pair.b) == 404);
  const auto round = pair.sync(pair.a);
  CHECK(round.peers.front().fault == "");
  CHECK(round.quorum);
  CHECK(pair.asks(pair.a) == 200);
  CHECK(pair.asks(pair.a, statement::NamedSigner(old_key.name, old_key.key.duplicate())) == 404);
  for (int i = 0; i < 2; ++i) pair.sync(pair.b), pair.sync(pair.a);
  CHECK(pair.asks(pair.b) == 200);
  CHECK(Pair::member(pair.a).frontier().digest == Pair::member(pair.b).frontier().digest);
}

TEST_CASE("vouch: what was shown is still known after a restart, and dropped when the log itself is mirrored") {
  Pair pair;
  pair.rotate(pair.a);
  pair.rotate(pair.b);
  CHECK(pair.show(pair.b, node::own_vouch(Pair::member(pair.a)).value().value()) == 202);
  CHECK(pair.asks(pair.a) == 200);
  REQUIRE(pair.b.desk->know(Pair::member(pair.b)));
  pair.b.desk.emplace(node::PeerDesk::open(Pair::member(pair.b)).value());
  CHECK(pair.asks(pair.a) == 200);
}

TEST_CASE("vouch: a stranger's keys, an older change, another genesis and a changed byte open nothing") {
  Pair pair;
  pair.rotate(pair.a);
  const std::string first = node::own_vouch(Pair::member(pair.a)).value().value();
  pair.sync(pair.a), pair.sync(pair.b), pair.sync(pair.a), pair.sync(pair.b);
  const auto first_key = alliance::load_key(pair.a.home / "keys", alliance::Role::author).value();
  pair.rotate(pair.a);
  // The first change is mirrored: showing it again does not bring its key back beside the second.
  CHECK(pair.show(pair.b, node::own_vouch(Pair::member(pair.a)).value().value()) == 202);
  CHECK(pair.asks(pair.a) == 200);
  CHECK(pair.show(pair.b, first) == 202);
  CHECK(pair.asks(pair.a) == 200);
  CHECK(pair.asks(pair.a, statement::NamedSigner(first_key.name, first_key.key.duplicate())) == 404);

  // The same name with other root keys.
  Pair other(77);
  other.rotate(other.a);
  const std::string foreign = node::own_vouch(Pair::member(other.a)).value().value();
  CHECK(node::check_vouch(foreign));
  pair.rotate(pair.a);
  CHECK(pair.show(pair.b, foreign) == 202);
  CHECK(pair.asks(pair.a) == 404);
  const std::string right = node::own_vouch(Pair::member(pair.a)).value().value();
  SeededRng rng(5);
  int refused = 0;
  for (int i = 0; i < 60; ++i) {
    std::string bent = right;
    bent[rng.below(bent.size())] ^= static_cast<char>(1 + rng.below(255));
    if (node::check_vouch(bent)) continue;  // a cosignature beside the log's own signature: proves the same
    ++refused;
    CHECK(pair.show(pair.b, bent) == 202);
    CHECK(pair.asks(pair.a) == 404);
  }
  CHECK(refused >= 30);
  CHECK(pair.show(pair.b, std::string(node::vouch_size_bytes_max + 1, 'x')) == 404);
  CHECK(pair.show(pair.b, right) == 202);
  CHECK(pair.asks(pair.a) == 200);
  CHECK_FALSE(node::own_vouch(Pair::member(pair.b)).value().has_value());
}
