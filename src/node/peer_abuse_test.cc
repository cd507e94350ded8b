// Other members' nodes that misbehave: they flood, show yesterday's head, or withhold what they promise.
#include <doctest/doctest.h>

#include "alliance/keys.h"
#include "log/mirror.h"
#include "log/store.h"
#include "node/mount.h"
#include "node/peer_call.h"
#include "node/peer_desk.h"
#include "node/peer_quota.h"
#include "node/sync.h"

using namespace hz;

namespace {

struct Place {
  fs::path home;
  api::Ctx ctx;
  std::optional<node::PeerDesk> desk = {};
};

// A founder and two members, whose nodes call each other in memory; `changed` may stand between.
struct Three {
  TempDir temp;
  ManualClock clock{1'795'000'000'000};
  SeededRng rng{8};
  std::vector<std::unique_ptr<Place>> places;
  std::function<std::optional<http::Response>(std::size_t asked, const http::Request&)> changed;

  Three() {
    for (const char* name : {"a", "b", "c"}) {
      const fs::path home = temp.path() / name;
      places.push_back(std::make_unique<Place>(
          Place{home, {.home = home, .mounted = node::mounted(), .seams = {&clock, &rng, &silent_progress()}}}));
      call(*places.back(), "member.init", fmt::format(R"({{"name":"{0}","origin":"{0}.example/log"}})", name));
    }
    call(at(0), "charter.adopt", R"({"name":"Three"})");
    for (const std::size_t i : {1U, 2U}) {
      const std::string invite = (temp.path() / fmt::format("invite{}", i)).string();
      const std::string card = (temp.path() / fmt::format("card{}", i)).string();
      call(at(0), "member.invite", fmt::format(R"({{"out":"{}","url":"http://node0"}})", invite));
      call(at(i), "member.join", fmt::format(R"({{"file":"{}","card":"{}","url":"http://node{}"}})", invite, card, i));
      call(at(0), "peer.add", fmt::format(R"({{"file":"{}"}})", card));
      call(at(0), "member.admit", fmt::format(R"({{"origin":"{}"}})", member(i).origin()));
    }
    for (auto& place : places) place->desk.emplace(node::PeerDesk::open(*place->ctx.member().value()).value());
    for (int round = 0; round < 4; ++round)
      for (std::size_t i = 0; i < 3; ++i) sync(i);
  }
  Place& at(std::size_t i) { return *places[i]; }
  alliance::Member& member(std::size_t i) { return *at(i).ctx.member().value(); }
  static void call(Place& place, std::string_view id, const std::string& input) {
    for (const api::Op* op : node::ops())
      if (op->id == id) {
        const auto done = op->call(place.ctx, json::parse(input).value(), {});
        if (!done) FAIL(std::string(id) << ": " << done.error().text());
      }
  }
  void say(std::size_t who, int number) {
    call(at(who), "talent.need_add",
         fmt::format(R"({{"component":"backend:b{}","skill":"skill:k","people_min":1,"port_hours_per_operator_min":1,)"
                     R"("port_hours_per_operator_max":2}})",
                     number));
  }
  node::SyncRound sync(std::size_t who) {
    alliance::Member& m = member(who);
    const auto author = alliance::load_key(m.keys_folder(), alliance::Role::author).value();
    const node::Connect connect = [&](const node::Contact& contact) -> Result<http::Exchange> {
      const std::size_t asked = static_cast<std::size_t>(contact.address.url.back() - '0');
      return node::signing(
          [this, asked](const http::Request& request) -> Result<http::Response> {
            if (changed)
              if (auto other = changed(asked, request)) return *std::move(other);
            return at(asked).desk->answer(request);
          },
          m.origin(), contact.origin, author.key, clock);
    };
    auto round = node::sync_once(m, connect, {.run_all = [](std::span<const std::function<void()>> tasks) {
                                   for (const auto& task : tasks) task();
                                 }});
    REQUIRE(round);
    REQUIRE(at(who).desk->know(m));
    return *std::move(round);
  }
  const node::PeerRow& row(const node::SyncRound& round, std::size_t of) {
    for (const node::PeerRow& one : round.peers)
      if (one.origin == member(of).origin()) return one;
    FAIL("no row");
    std::abort();
  }
  int asks(std::size_t from, std::size_t to) {
    alliance::Member& m = member(from);
    const auto author = alliance::load_key(m.keys_folder(), alliance::Role::author).value();
    http::Request request{.method = "GET", .path = "/log/checkpoint"};
    node::sign_peer_call(request, m.origin(), member(to).origin(), clock.now_ms() / 1000, author.key);
    return at(to).desk->answer(request).status;
  }
};

}  // namespace

TEST_CASE("quota: so many at once and so many a second for each caller, and none for another's account") {
  node::PeerQuota quota({.at_once = 2, .per_s = 10, .burst = 5});
  {
    const auto one = quota.enter("a", 0), two = quota.enter("a", 0);
    CHECK(one);
    CHECK(two);
    CHECK_FALSE(quota.enter("a", 0));
    CHECK(quota.enter("b", 0));
  }
  for (int i = 0; i < 3; ++i) CHECK(quota.enter("a", 0));
  CHECK_FALSE(quota.enter("a", 0));
  CHECK_FALSE(quota.enter("a", 99));
  CHECK(quota.enter("a", 100));
  CHECK_FALSE(quota.enter("a", 100));
  // A clock that jumps back gives nothing, and what passes after it counts from there.
  CHECK_FALSE(quota.enter("a", 50));
  CHECK(quota.enter("a", 150));
  for (int i = 0; i < 5; ++i) CHECK(quota.enter("a", 1'000'000));
  CHECK_FALSE(quota.enter("a", 1'000'000));
}

TEST_CASE("abuse: a member's node that floods gets 503, the others are answered, and later it is too") {
  Three three;
  int served = 0, refused = 0;
  for (int i = 0; i < 5000; ++i) ++(three.asks(1, 0) == 200 ? served : refused);
  CHECK(served >= 3900);  // what its rounds asked for before counts too
  CHECK(served <= 4000);
  CHECK(refused == 5000 - served);
  CHECK(three.asks(1, 0) == 503);
  CHECK(three.asks(2, 0) == 200);
  three.clock.advance_ms(1000);
  CHECK(three.asks(1, 0) == 200);
}

TEST_CASE("abuse: a node that shows yesterday's head is named, takes nothing back, and holds nobody else up") {
  Three three;
  const auto old_head = three.member(1).log().published().value().note;
  const auto mirrored = three.row(three.sync(0), 1).stored;
  three.say(1, 1);
  three.sync(1);
  three.sync(0);
  three.say(2, 2);
  three.sync(2);
  three.changed = [&](std::size_t asked, const http::Request& request) -> std::optional<http::Response> {
    if (asked != 1 || request.path != "/log/checkpoint") return std::nullopt;
    return http::Response{.status = 200, .headers = {}, .body = old_head};
  };
  const auto round = three.sync(0);
  CHECK(three.row(round, 1).fault.starts_with("log.mirror_behind"));
  CHECK(three.row(round, 1).stored == mirrored + 1);
  CHECK(three.row(round, 2).fault == "");
  CHECK(three.row(round, 2).stored == static_cast<std::int64_t>(three.member(2).log().head().size));
  CHECK(round.quorum);
}

TEST_CASE("abuse: statements that their own node withholds come from a mirror of another member") {
  Three three;
  three.say(1, 1);
  three.sync(1);
  three.sync(2);  // has it now
  const auto size = static_cast<std::int64_t>(three.member(1).log().head().size);
  three.changed = [&](std::size_t asked, const http::Request& request) -> std::optional<http::Response> {
    if (asked != 1 || !request.path.starts_with("/log/tile")) return std::nullopt;
    return http::Response{.status = 404, .headers = {}, .body = "not today"};
  };
  const auto helped = three.sync(0);
  CHECK(three.row(helped, 1).fault.starts_with("log.fetch"));
  CHECK(three.row(helped, 1).stored == size);
  // When all withhold, nothing is taken for granted, and the next round has it.
  three.say(1, 2);
  three.sync(1);
  three.changed = [&](std::size_t, const http::Request& request) -> std::optional<http::Response> {
    if (request.path.find("/tile") == std::string::npos) return std::nullopt;
    return http::Response{.status = 200, .headers = {}, .body = std::string(300, 'x')};
  };
  const auto none = three.sync(0);
  CHECK(three.row(none, 1).fault != "");
  CHECK(three.row(none, 1).stored == size);
  three.changed = {};
  CHECK(three.row(three.sync(0), 1).stored == size + 1);
}
