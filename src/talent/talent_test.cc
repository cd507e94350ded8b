#include <doctest/doctest.h>

#include "sql/db.h"
#include "statement/statement.h"
#include "talent/kinds.h"
#include "talent/rules.h"

using namespace hz;
using namespace hz::talent;

namespace {
Need good() { return {"backend:refrt", "skill:cpp-kernels", 1, 4, 24}; }
template <class Change>
std::string_view slug(Change change) {
  Need need = good();
  change(need);
  const auto checked = check(need);
  return checked ? "" : checked.error().reason->slug;
}
}  // namespace

TEST_CASE("need: ids and ranges are checked") {
  CHECK(slug([](Need&) {}).empty());
  CHECK(slug([](Need& n) { n.component = "refrt"; }) == "talent.id");
  CHECK(slug([](Need& n) { n.skill = "backend:refrt"; }) == "talent.id");
  CHECK(slug([](Need& n) { n.people_min = 0; }) == "talent.range");
  CHECK(slug([](Need& n) { n.port_hours_per_operator_min = 25; }) == "talent.range");
  CHECK(slug([](Need& n) { n.port_hours_per_operator_min = -1; }) == "talent.range");
}

TEST_CASE("replay: the newest need of a component and skill stands") {
  auto db = sql::Db::open(":memory:", sql::Mode::scratch).value();
  REQUIRE(db.run(view_schema()));
  statement::Statement s;
  s.body = to_json(good());
  REQUIRE(kinds()[0].replay(db, s));
  Need second = good();
  second.people_min = 3;
  s.body = to_json(second);
  REQUIRE(kinds()[0].replay(db, s));
  CHECK(db.integer("SELECT sum(people_min) FROM public_talent_need").value() == 3);
}
