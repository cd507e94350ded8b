#include <doctest/doctest.h>

#include "pool/kinds.h"
#include "pool/rules.h"
#include "sql/db.h"
#include "statement/statement.h"

using namespace hz;
using namespace hz::pool;

namespace {
Site good() { return {"site:hz1", "Hangzhou", "entity:acme", "CN", {{"backend:refrt", 100, 200, 5, 15}}}; }
template <class Change>
std::string_view slug(Change change) {
  Site site = good();
  change(site);
  const auto checked = check(site);
  return checked ? "" : checked.error().reason->slug;
}
}  // namespace

TEST_CASE("site: ids, names, countries and ranges are checked") {
  CHECK(slug([](Site&) {}).empty());
  CHECK(slug([](Site& s) { s.entity = s.jurisdiction = "unknown"; }).empty());
  CHECK(slug([](Site& s) { s.offers[0] = {"backend:ort", 0, 0, 0, 0}; }).empty());
  CHECK(slug([](Site& s) { s.site = "hz1"; }) == "pool.site_id");
  CHECK(slug([](Site& s) { s.entity = "acme"; }) == "pool.site_id");
  CHECK(slug([](Site& s) { s.offers[0].backend = "refrt"; }) == "pool.site_id");
  CHECK(slug([](Site& s) { s.name = ""; }) == "pool.site_name");
  CHECK(slug([](Site& s) { s.jurisdiction = "China"; }) == "pool.jurisdiction");
  CHECK(slug([](Site& s) { s.offers.clear(); }) == "pool.no_offer");
  CHECK(slug([](Site& s) { s.offers.push_back(s.offers[0]); }) == "pool.offer_twice");
  CHECK(slug([](Site& s) { s.offers[0].price_fen_per_hour_min = 201; }) == "pool.range");
  CHECK(slug([](Site& s) { s.offers[0].price_fen_per_hour_min = -1; }) == "pool.range");
  CHECK(slug([](Site& s) { s.offers[0].switch_minutes_max = 4; }) == "pool.range");
}

TEST_CASE("replay: a later statement replaces the offers it names and keeps the others") {
  auto db = sql::Db::open(":memory:", sql::Mode::scratch).value();
  REQUIRE(db.run(view_schema()));
  statement::Statement s;
  Site site = good();
  site.offers.push_back({"backend:ort", 1, 2, 3, 4});
  s.body = to_json(site);
  REQUIRE(kinds()[0].replay(db, s));
  site.offers = {{"backend:ort", 10, 20, 3, 4}};
  site.name = "Hangzhou 2";
  s.body = to_json(site);
  REQUIRE(kinds()[0].replay(db, s));
  CHECK(db.integer("SELECT count(*) FROM public_pool_site WHERE name = 'Hangzhou 2'").value() == 2);
  CHECK(db.integer("SELECT price_fen_per_hour_min FROM public_pool_site WHERE backend = 'backend:ort'").value() == 10);
  CHECK(db.integer("SELECT price_fen_per_hour_min FROM public_pool_site WHERE backend = 'backend:refrt'").value() ==
        100);
}
