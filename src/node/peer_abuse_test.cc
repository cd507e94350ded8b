// Other members' nodes that misbehave: they flood, show yesterday's head, or withhold what they promise.
#include <doctest/doctest.h>

#include "node/peer_quota.h"
#include "node/test_three.h"

using namespace hz;
using node::test::Three;

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
