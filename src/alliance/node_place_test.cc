#include "alliance/node_place.h"

#include <doctest/doctest.h>

#include "alliance/test_alliance.h"

using namespace hz;
using namespace hz::alliance;
using namespace hz::alliance::test;

namespace {

std::string place_of(Replayer& views, const std::string& origin) {
  return views.text("SELECT jurisdiction || ' ' || entity FROM public_alliance_node WHERE member = '" + origin + "'");
}

}  // namespace

TEST_CASE("node place: the newest statement of a log speaks, each log for itself") {
  Alliance a(3, 41);
  REQUIRE(a.members[1].append(draft(NodePlace{"DE", "unknown"})));
  REQUIRE(a.members[2].append(draft(NodePlace{"SG", "entity:hall"})));
  REQUIRE(a.members[1].append(draft(NodePlace{"CN", "entity:lab"})));
  Replayer views(a, 0);
  views.catch_up();
  CHECK(place_of(views, a.members[0].origin()) == "(none)");
  CHECK(place_of(views, a.members[1].origin()) == "CN entity:lab");
  CHECK(place_of(views, a.members[2].origin()) == "SG entity:hall");
}

TEST_CASE("node place: what is no place is refused by name and changes nothing") {
  Alliance a(2, 42);
  REQUIRE(a.members[1].append(draft(NodePlace{"DE", "unknown"})));
  for (const NodePlace& wrong : {NodePlace{"Germany", "unknown"}, NodePlace{"", "unknown"}, NodePlace{"DE", "hall"}}) {
    REQUIRE(check(wrong).error().reason->slug == "alliance.node_place");
    REQUIRE(a.members[1].append(draft(wrong)));  // a program that does not check
  }
  Replayer views(a, 0);
  views.catch_up();
  CHECK(place_of(views, a.members[1].origin()) == "DE unknown");
  CHECK(views.count("SELECT count(*) FROM public_alliance_refused WHERE reason = 'alliance.node_place'") == 3);
}

TEST_CASE("node place: what a suspended member says afterwards does not count") {
  Alliance a(2, 43);
  REQUIRE(a.members[1].append(draft(NodePlace{"DE", "unknown"})));
  const log::Head head = a.members[1].log().head();
  REQUIRE(a.members[0].append(
      draft(Suspend{a.members[1].origin(), static_cast<std::int64_t>(head.size), hex(head.root), "late"})));
  REQUIRE(a.members[1].append(draft(NodePlace{"CN", "unknown"})));
  Replayer views(a, 0);
  views.catch_up();
  CHECK(place_of(views, a.members[1].origin()) == "DE unknown");
}
