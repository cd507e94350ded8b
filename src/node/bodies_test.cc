// Sealed bodies on their way between nodes: with their statements, late, when their time has come, and to whom joins.
#include "node/bodies.h"

#include "node/test_three.h"
#include "sql/db.h"

using namespace hz;
using node::test::Three;

namespace {

struct Sealed {
  alliance::Receipt receipt;
  std::string origin;
};

struct Bodies : Three {
  int said = 0;
  Sealed seal(std::size_t who, std::string_view audience) {
    alliance::Draft d = alliance::draft(talent::Need{fmt::format("backend:b{}", ++said), "skill:k", 1, 2, 3});
    d.audience = alliance::Audience::parse(audience).value();
    return {member(who).append(d).value(), member(who).origin()};
  }
  bool opens(std::size_t who, const Sealed& one) {
    return member(who)
               .views()
               .value()
               ->integer("SELECT opened FROM public_alliance_sealed WHERE statement = ?", {one.receipt.id})
               .value()
               .value_or(0) == 1;
  }
  std::string bodies_file(std::size_t who) {
    const auto text = read_text(at(who).home / "bodies", 200);
    return text ? *text : "";
  }
};

constexpr const char* in_an_hour = "sealed-until:2026-11-18T12:00:00Z";

}  // namespace

TEST_CASE("bodies: they come with their statements, before anything is replayed, so nothing is replayed twice") {
  Bodies t;
  const Sealed one = t.seal(1, "members");
  t.sync(1);
  const auto round = t.sync(0);
  CHECK(round.bodies_came == 1);
  CHECK(t.opens(0, one));
  CHECK(t.bodies_file(0).empty());
  CHECK(t.sync(0).bodies_came == 0);
  // From whoever has it, when its author is away.
  t.changed = [](std::size_t asked, const http::Request&) -> std::optional<http::Response> {
    if (asked != 1) return std::nullopt;
    return http::Response{.status = 502, .headers = {}, .body = {}};
  };
  CHECK(t.sync(2).bodies_came == 1);
  CHECK(t.opens(2, one));
  CHECK(t.bodies_file(2).empty());
}

TEST_CASE("bodies: what a request replays while a round fetches is replayed again, and its body is not lost") {
  Bodies t;
  const Sealed one = t.seal(1, "members");
  t.sync(1);
  t.changed = [&](std::size_t, const http::Request& request) -> std::optional<http::Response> {
    if (!request.path.starts_with("/artifact/")) return std::nullopt;
    auto other = alliance::Member::open(t.at(0).home, node::mounted(), t.at(0).ctx.seams).value();
    REQUIRE(other.views());
    return std::nullopt;
  };
  CHECK(t.sync(0).bodies_came == 1);
  CHECK(t.opens(0, one));
}

TEST_CASE("bodies: late ones come in bulk, and only when replaying everything costs little of the time") {
  Bodies t;
  const Sealed first = t.seal(1, "members");
  bool withheld = true;
  t.changed = [&](std::size_t, const http::Request& request) -> std::optional<http::Response> {
    if (!withheld || !request.path.starts_with("/artifact/")) return std::nullopt;
    return http::Response{.status = 404, .headers = {}, .body = {}};
  };
  t.sync(1);
  CHECK(t.sync(0).bodies_came == 0);
  CHECK_FALSE(t.opens(0, first));
  withheld = false;
  CHECK(t.sync(0).bodies_came == 1);
  CHECK(t.opens(0, first));
  const std::string replayed = t.bodies_file(0);
  CHECK_FALSE(replayed.empty());

  withheld = true;
  const Sealed second = t.seal(1, "members");
  t.sync(1);
  t.sync(0);
  withheld = false;
  CHECK(t.sync(0).bodies_came == 0);  // it was replayed just now, by the same clock
  CHECK(t.bodies_file(0) == replayed);
  t.clock.advance_ms(1000);
  CHECK(t.sync(0).bodies_came == 1);
  CHECK(t.opens(0, second));
  // A clock that goes back holds nothing up.
  withheld = true;
  const Sealed third = t.seal(1, "members");
  t.sync(1);
  t.sync(0);
  withheld = false;
  t.clock.advance_ms(-3'600'000);
  CHECK(t.sync(0).bodies_came == 1);
  CHECK(t.opens(0, third));
}

TEST_CASE("bodies: sealed-until is given out by its owner's node when the time has come, never before") {
  Bodies t;
  const std::int64_t until_ms = alliance::Audience::parse(in_an_hour)->until_ms;
  t.clock.advance_ms(until_ms - 3'600'000 - t.clock.now_ms());
  const Sealed one = t.seal(1, in_an_hour);
  const auto given = [&] { return t.sync(1).bodies_given; };
  CHECK(given() == 0);
  t.clock.advance_ms(3'599'999);
  CHECK(given() == 0);
  t.sync(0);
  CHECK_FALSE(t.opens(0, one));
  t.clock.advance_ms(-7'200'000);  // gone back: nothing is due
  CHECK(given() == 0);
  t.clock.advance_ms(7'200'001);
  CHECK(given() == 1);
  CHECK(given() == 0);
  t.sync(0);
  t.sync(2);
  CHECK(t.opens(0, one));
  CHECK(t.opens(2, one));
  t.clock.advance_ms(-7'200'000);
  const Sealed later = t.seal(1, in_an_hour);
  CHECK(given() == 0);
  CHECK_FALSE(t.opens(0, later));
}

TEST_CASE("bodies: a member admitted later is given the older ones of members, and a group's once it is on the list") {
  Bodies t;
  const Sealed old = t.seal(0, "members"), own = t.seal(0, "owner");
  Three::call(t.at(0), "group.set", fmt::format(R"({{"name":"g","member":["{}"]}})", t.member(1).id()));
  const Sealed of_group = t.seal(0, "group:g");
  t.rounds(2);
  CHECK(t.opens(1, of_group));
  CHECK_FALSE(t.opens(2, of_group));
  CHECK(t.sync(0).bodies_given == 0);

  t.join("d");
  t.sync(3);
  CHECK(t.sync(0).bodies_given == 1);  // its log is here now, with its key
  CHECK(t.sync(0).bodies_given == 0);
  t.clock.advance_ms(10'000);
  t.rounds(2);
  CHECK(t.opens(3, old));
  CHECK_FALSE(t.opens(3, own));
  CHECK_FALSE(t.opens(3, of_group));

  Three::call(t.at(0), "group.set",
              fmt::format(R"({{"name":"g","member":["{}","{}"]}})", t.member(1).id(), t.member(3).id()));
  CHECK(t.sync(0).bodies_given == 1);
  t.clock.advance_ms(10'000);
  t.rounds(2);
  CHECK(t.opens(3, of_group));
  CHECK_FALSE(t.opens(2, of_group));
}

TEST_CASE("bodies: whoever was out when they were sealed is given them on coming back, and not while it is out") {
  Bodies t;
  const auto origin = t.member(2).origin();
  Three::call(t.at(0), "member.suspend", fmt::format(R"({{"origin":"{}","cause":"late"}})", origin));
  const Sealed one = t.seal(0, "members");
  CHECK(t.sync(0).bodies_given == 0);
  t.sync(2);
  CHECK_FALSE(t.opens(2, one));
  Three::call(t.at(0), "member.admit", fmt::format(R"({{"origin":"{}","vouch":true}})", origin));
  CHECK(t.sync(0).bodies_given == 1);
  t.clock.advance_ms(10'000);
  t.rounds(2);
  CHECK(t.opens(2, one));
}

TEST_CASE("desk: an expelled member gets what a stranger gets, and what it said stays readable to the others") {
  Three t;
  t.say(2, 1);
  t.rounds(2);
  const std::string origin = t.member(2).origin();
  const std::string mirror = node::mirror_prefix(t.member(1).origin()) + "/checkpoint";
  CHECK(t.answer(2, 0, mirror).status == 200);
  CHECK(t.asks(2, 0) == 200);
  Three::call(t.at(0), "member.expel", fmt::format(R"({{"origin":"{}","cause":"test"}})", origin));
  t.sync(0);
  t.sync(1);
  for (const std::size_t asked : {0U, 1U}) {
    http::Request nobody{.method = "GET", .path = "/log/checkpoint"};
    const auto stranger = t.at(asked).desk->answer(nobody);
    CHECK(stranger.status == 404);
    for (const std::string& path : {std::string("/log/checkpoint"), mirror, std::string("/witness/x/checkpoint")}) {
      const auto refused = t.answer(2, asked, path);
      CHECK(refused.status == stranger.status);
      CHECK(refused.body == stranger.body);
      CHECK(refused.headers == stranger.headers);
    }
  }
  // Its statements, from the mirrors.
  CHECK(t.answer(1, 0, node::mirror_prefix(origin) + "/checkpoint").status == 200);
  CHECK(t.answer(0, 1, node::mirror_prefix(origin) + "/tile/entries/000.p/1").status == 200);
  CHECK(t.asks(1, 0) == 200);
}
