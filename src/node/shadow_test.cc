// What is drawn and what is let go; that copies reach a real incumbent is shown by tests/up/shadow.py.
#include "node/shadow.h"

#include <doctest/doctest.h>

#include <set>
#include <thread>

#include "net/server.h"
#include "node/drill_watch.h"
#include "node/live_drill.h"

using namespace hz;
using namespace hz::node;

namespace {

struct Drawn {
  ManualClock clock{1'000};
  SeededRng rng{7};
  Shadow shadow;
  explicit Drawn(ShadowLimits limits) : shadow(clock, rng, limits) {
    // Nobody listens there: what is offered is not answered.
    shadow.use({{"product:p", "d1", "claim", {{"127.0.0.1", 1, "m"}}}});
  }
  drill::DrillWatched counts() { return shadow.take("product:p").counts; }
};

}  // namespace

TEST_CASE("shadow: nothing is drawn of what no drill moved, nor when none shall be") {
  Drawn all({.every = 1});
  CHECK(all.shadow.on());
  CHECK_FALSE(all.shadow.draw("product:other", true, 10));
  all.shadow.use({});
  CHECK_FALSE(all.shadow.on());
  CHECK_FALSE(all.shadow.draw("product:p", true, 10));
  Drawn none({.every = 0});
  CHECK_FALSE(none.shadow.on());
}

TEST_CASE("shadow: about one of so many is drawn, without a rhythm") {
  Drawn one({.every = 100, .per_s_max = 1'000'000, .held_max = 1'000'000});
  std::set<std::size_t> gaps;
  std::size_t drawn = 0, last = 0;
  for (std::size_t i = 1; i <= 100'000; ++i)
    if (one.shadow.draw("product:p", true, 10)) {
      ++drawn;
      gaps.insert(i - std::exchange(last, i));
    }
  CHECK(drawn > 900);
  CHECK(drawn < 1'100);
  CHECK(gaps.size() > 100);
  const auto counts = one.counts();
  CHECK(counts.requests == 100'000);
  CHECK(counts.drawn == static_cast<std::int64_t>(drawn));
  CHECK(counts.skipped == counts.drawn);  // none of them was offered
}

TEST_CASE("shadow: copies a second, copies held and bytes are bounded, and what is over is let go and counted") {
  Drawn one({.every = 1, .per_s_max = 3, .body_bytes_max = 100, .held_max = 2});
  CHECK_FALSE(one.shadow.draw("product:p", true, 101));
  auto first = one.shadow.draw("product:p", true, 100), second = one.shadow.draw("product:p", true, 1);
  REQUIRE(first);
  REQUIRE(second);
  CHECK_FALSE(one.shadow.draw("product:p", true, 1));  // two are held
  first.reset();
  auto third = one.shadow.draw("product:p", true, 1);
  CHECK(third);
  third.reset();
  CHECK_FALSE(one.shadow.draw("product:p", true, 1));  // three in this second
  one.clock.advance_ms(1'000);
  third = one.shadow.draw("product:p", true, 1);
  REQUIRE(third);
  // An answer that grows too large is let go of while it passes.
  third->saw(std::string(60, 'x'));
  third->saw(std::string(60, 'x'));
  one.shadow.offer(std::move(third), {.body = "{}"}, "", 200);
  second.reset();
  const auto counts = one.counts();
  CHECK(counts.drawn == 7);
  CHECK(counts.skipped == 7);
  CHECK(counts.compared == 0);
}

TEST_CASE("shadow: answers of text are counted and not compared, and a new attempt counts anew") {
  Drawn one({.every = 1});
  CHECK_FALSE(one.shadow.draw("product:p", false, 10));
  CHECK(one.counts().incomparable == 1);
  one.shadow.use({{"product:p", "d1", "claim", {}}});
  CHECK(one.counts().incomparable == 1);
  CHECK_FALSE(one.shadow.draw("product:p", true, 10));  // the incumbent serves no more
  CHECK(one.counts().drawn == 0);
  one.shadow.use({{"product:p", "d1", "another", {{"127.0.0.1", 1, "m"}}}});
  CHECK(one.counts().requests == 0);
}

TEST_CASE(
    "shadow: an incumbent at another member's site is asked under its lease, and only at the node with that key") {
  TempDir dir;
  const auto identity = net::ensure_identity(dir.path() / "tls", {}, system_clock()).value();
  const std::string answer =
      R"({"model_name":"m","outputs":[{"name":"y","datatype":"FP32","shape":[1,3],"data":[0.1,0.7,0.2]}]})";
  std::atomic<int> good = 0, refused = 0;
  auto server = net::Server::start(
      {.tls = identity}, {.handle = [&](const http::Request& r) -> http::Response {
                            const std::string* who = nullptr;
                            for (const http::Header& h : r.headers)
                              if (h.name == "authorization") who = &h.value;
                            const bool may =
                                who && *who == "Bearer the-secret" && r.path == "/v2/models/product%3Alease%3A7/infer";
                            ++(may ? good : refused);
                            return {.status = may ? 200 : 401, .headers = {}, .body = may ? answer : ""};
                          },
                          .body_bytes_max = [](const http::Request&) -> std::size_t { return 1000; }});
  REQUIRE(server);
  pool::Serving incumbent{
      "today", "product:p", "site:theirs", "backend:b", "127.0.0.1", server->port(), "product:lease:7", "", ""};
  incumbent.lease = "7";
  incumbent.secret = "the-secret";
  incumbent.pin = hex(net::pin_of(identity).value());
  // One copy after it, compared or not answered.
  const auto one_copy = [&](const pool::Serving& of) {
    ManualClock clock{1'000};
    SeededRng rng{7};
    Shadow shadow(clock, rng, {.every = 1});
    shadow.use({{"product:p", "d1", "claim", {incumbent_at(of)}}});
    auto copy = shadow.draw("product:p", true, 10);
    REQUIRE(copy);
    copy->saw(answer);
    shadow.offer(std::move(copy), {.body = "{}"}, "", 200);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    for (;;) {
      const auto counts = shadow.take("product:p").counts;
      if (counts.compared + counts.unanswered + counts.incomparable > 0 || std::chrono::steady_clock::now() > end)
        return counts;
      std::this_thread::yield();
    }
  };
  auto counts = one_copy(incumbent);
  CHECK(counts.compared == 1);
  CHECK(counts.agreed == 1);
  CHECK(good == 1);
  // Over there the lease is over: the incumbent did not answer, and nothing is held against the substitute.
  pool::Serving over = incumbent;
  over.secret = "an-older-one";
  CHECK(one_copy(over).unanswered == 1);
  CHECK(refused == 1);
  // Another node at this address sees neither request nor secret.
  pool::Serving elsewhere = incumbent;
  elsewhere.pin[0] = elsewhere.pin[0] == '0' ? '1' : '0';
  CHECK(one_copy(elsewhere).unanswered == 1);
  CHECK(good == 1);
  CHECK(refused == 1);
}

TEST_CASE("drill: one at a time moves drills of a folder") {
  TempDir dir;
  auto first = DrillTurn::take(dir.path(), 0);
  REQUIRE(first);
  const auto second = DrillTurn::take(dir.path(), 0);
  REQUIRE_FALSE(second);
  CHECK(second.error().reason->slug == "drill.under_way");
  {
    const DrillTurn gone = *std::move(first);
  }
  CHECK(DrillTurn::take(dir.path(), 0));
}
