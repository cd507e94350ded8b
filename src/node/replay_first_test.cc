// A node that has much to replay when it starts: after a change of program, or where the views were lost.
#include <doctest/doctest.h>

#include "net/client.h"
#include "node/mount.h"
#include "node/serve.h"
#include "sql/db.h"
#include "talent/kinds.h"

using namespace hz;

namespace {

api::Ctx context(const fs::path& home) {
  return {.home = home, .mounted = node::mounted(), .seams = {&system_clock(), &system_rng(), &silent_progress()}};
}

struct Place {
  TempDir temp;
  fs::path home = temp.path() / "home";
  api::Ctx ctx = context(home);
  std::optional<sql::Db> held;

  // Three statements that the views lack.
  Place() {
    auto member = alliance::Member::create(home, {"Acme", "hezong.example/acme"}, ctx.mounted, ctx.seams).value();
    REQUIRE(member.views());
    for (int i = 0; i < 3; ++i)
      REQUIRE(member.append(alliance::draft(talent::Need{fmt::format("backend:b{}", i), "skill:kernels", 1, 2, 3})));
  }
  // Nobody replays until release().
  void hold() {
    held = sql::Db::open(home / "views.sqlite", sql::Mode::scratch).value();
    REQUIRE(held->run("BEGIN IMMEDIATE"));
  }
  void release() {
    REQUIRE(held->run("ROLLBACK"));
    held.reset();
  }
  net::Client client(const node::Served& served) const {
    std::string token = *read_text(home / "api_token", 1024);
    token.pop_back();
    return *net::Client::make({.url = served.file().url, .headers = {{"authorization", "Bearer " + token}}});
  }
};

json::Value body(const Result<http::Response>& r) {
  REQUIRE(r);
  auto value = json::parse(r->body);
  REQUIRE(value);
  return *value;
}

}  // namespace

TEST_CASE("serve: with much to replay the node listens first, says so, signs, and answers in full when it is done") {
  Place place;
  place.hold();
  auto served = node::Served::start({.replay_first_max = 2}, place.ctx).value();
  const auto client = place.client(served);

  const auto early = client.send({"GET", "/v1/status"});
  REQUIRE(early);
  CHECK(early->status == 200);
  CHECK(body(early).find("replaying"));
  CHECK(*body(early).find("statements")->integer() == 4);

  const auto refused = client.send({"GET", "/v1/members"});
  REQUIRE(refused);
  CHECK(refused->status == 503);
  CHECK(http::header(refused->headers, "retry-after") == "1");
  CHECK(body(refused).find("error")->text("reason") == "alliance.replaying");

  http::Request signs{"POST", "/v1/node/place", "", {{"content-type", "application/json"}}, R"({"jurisdiction":"CN"})"};
  CHECK(client.send(signs)->status == 200);
  CHECK(*body(client.send({"GET", "/v1/status"})).find("statements")->integer() == 5);

  // Whether a caller is known, or a key good, cannot be said yet: neither is refused for good.
  CHECK(client.send({"GET", "/log/checkpoint"})->status == 503);
  CHECK(client.send({"POST", "/v2/models/glyph/infer"})->status == 503);
  CHECK(served.rounds() == 0);

  place.release();
  const std::int64_t until_ms = system_clock().now_ms() + 30'000;
  json::Value status = body(client.send({"GET", "/v1/status"}));
  while (status.find("replaying") && system_clock().now_ms() < until_ms)
    status = body(client.send({"GET", "/v1/status"}));
  CHECK(!status.find("replaying"));
  CHECK(status.text("state") == "stranger");
  CHECK(client.send({"GET", "/v1/members"})->status == 200);
  CHECK(client.send({"GET", "/log/checkpoint"})->status == 404);
}

TEST_CASE("serve: a node that still replays can be stopped, and the next one replays") {
  Place place;
  {
    place.hold();
    auto served = node::Served::start({.replay_first_max = 2}, place.ctx).value();
    CHECK(body(place.client(served).send({"GET", "/v1/status"})).find("replaying"));
    place.release();
    served.stop();
  }
  place.ctx = context(place.home);
  auto served = node::Served::start({}, place.ctx).value();  // three are few: before it listens
  CHECK(!body(place.client(served).send({"GET", "/v1/status"})).find("replaying"));
}
