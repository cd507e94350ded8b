#include "alliance/closing.h"

#include <doctest/doctest.h>

using namespace hz;
using namespace hz::alliance;

namespace {
const std::string root(64, 'a');
Closing good() {
  return {"settlement", "2026-11", {{"x.example/a", 3, root}, {"x.example/b", 0, ""}}, std::string(64, '0')};
}
}  // namespace

TEST_CASE("closing: one that names what, heads in order and a result stands, and each broken field is refused") {
  CHECK(check(good()));
  const auto broken = [](auto change, std::string_view says) {
    Closing c = good();
    change(c);
    const auto got = check(c);
    REQUIRE_FALSE(got);
    CHECK(got.error().reason->slug == "alliance.closing");
    CHECK_MESSAGE(got.error().detail.find(says) != std::string::npos, got.error().detail);
  };
  broken([](Closing& c) { c.what = ""; }, "names nothing");
  broken([](Closing& c) { c.of = ""; }, "names nothing");
  broken([](Closing& c) { c.result = "no"; }, "no result digest");
  broken([](Closing& c) { c.frontier.clear(); }, "0 logs");
  broken([](Closing& c) { c.frontier.resize(closing_logs_max + 1, c.frontier[0]); }, "201 logs");
  broken([](Closing& c) { c.frontier[0].origin = "https://x"; }, "no origin");
  broken([](Closing& c) { std::swap(c.frontier[0], c.frontier[1]); }, "not in order");
  broken([](Closing& c) { c.frontier[1] = c.frontier[0]; }, "not in order");
  broken([](Closing& c) { c.frontier[0].root = ""; }, "root of x.example/a");
  broken([](Closing& c) { c.frontier[1].root = root; }, "root of x.example/b");
  broken([](Closing& c) { c.frontier[0].size = std::uint64_t{1} << 63; }, "size of x.example/a");
}

TEST_CASE("closing: a later frontier names every log of the earlier one, none with fewer statements") {
  const std::vector<FrontierEntry> first = good().frontier;
  std::vector<FrontierEntry> later = first;
  CHECK_FALSE(goes_back(first, later));
  later[0].size = 4;
  later.push_back({"x.example/c", 1, root});
  CHECK_FALSE(goes_back(first, later));
  CHECK(goes_back(later, first) == "x.example/a");
  later.erase(later.begin());
  CHECK(goes_back(first, later) == "x.example/a");
  CHECK(sizes_of(first) == Sizes{{"x.example/a", 3}, {"x.example/b", 0}});
}

TEST_CASE("closing: a result digest depends on the value, and not on the order of its members") {
  json::Value one, two;
  one.set("a", 1).set("b", 2);
  two.set("b", 2).set("a", 1);
  CHECK(result_digest(one) == result_digest(two));
  two.set("c", 3);
  CHECK(result_digest(one) != result_digest(two));
}
