#include "drill/live.h"

#include <doctest/doctest.h>

using namespace hz;
using namespace hz::drill;

TEST_CASE("drill: a decided roll back holds for the server it was decided of, until the product is back") {
  ProductState state;
  fold(state, DrillStep{.drill = "d", .product = "product:p", .stage = Stage::switched, .claim = "one"}, 1);
  CHECK(must_go_back(state).empty());
  fold(state, DrillWatched{.drill = "d", .product = "product:p", .claim = "one", .compared = 40});
  CHECK(must_go_back(state).empty());
  fold(state, DrillWatched{.drill = "d", .product = "product:p", .claim = "one", .compared = 60, .wrong = "it lies"});
  CHECK(must_go_back(state) == "it lies");
  CHECK(state.watched->compared == 60);
  CHECK(state.steps == 1);  // what was watched is no step
  ProductState back = state;
  fold(back, DrillStep{.drill = "d", .product = "product:p", .stage = Stage::rolled_back}, 2);
  CHECK(must_go_back(back).empty());
  fold(back, DrillStep{.drill = "d", .product = "product:p", .stage = Stage::switched, .claim = "two"}, 3);
  CHECK(must_go_back(back).empty());
}
