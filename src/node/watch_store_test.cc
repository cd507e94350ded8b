#include "node/watch_store.h"

#include <doctest/doctest.h>

using namespace hz;
using namespace hz::node;

TEST_CASE("watch store: what a node had seen and not said, the next one knows") {
  TempDir dir;
  CHECK(read_watches(dir.path()).empty());
  KeptWatch one{
      {.drill = "d", .product = "product:p", .claim = "c", .from_ms = 5, .requests = 400, .compared = 19}, 77, ""};
  std::deque<Rerun> pairs;
  for (std::size_t i = 0; i < reruns_kept_max; ++i)
    pairs.push_back({static_cast<std::int64_t>(i % 3), static_cast<std::int64_t>(i % 2 ? i % 3 : 0), i % 5 == 0});
  one.pairs = pairs_text(pairs);
  REQUIRE(keep_watches(dir.path(), {one}));
  const auto kept = read_watches(dir.path());
  REQUIRE(kept.size() == 1);
  CHECK(kept[0].counts == one.counts);
  CHECK(kept[0].canary_at_ms == 77);
  const auto read = read_pairs(kept[0].pairs);
  REQUIRE(read.size() == pairs.size());
  CHECK(pairs_text(read) == one.pairs);
  const drill::DrillWatched same{.drill = "d", .product = "product:p", .claim = "c"};
  CHECK(kept_of(kept, same) == &kept[0]);
  // Of another server, or another drill of the product, it says nothing.
  CHECK_FALSE(kept_of(kept, {.drill = "d", .product = "product:p", .claim = "c2"}));
  CHECK_FALSE(kept_of(kept, {.drill = "d2", .product = "product:p", .claim = "c"}));
  // Nothing is watched: nothing stays.
  REQUIRE(keep_watches(dir.path(), {}));
  CHECK_FALSE(fs::exists(dir.path() / "watch.json"));
}

TEST_CASE("watch store: a window that was kept decides as it would have without the break") {
  std::deque<Rerun> wrong(19, Rerun{1, 0, false});
  const WatchTerms terms{1'000, 5};
  CHECK(falls_short(wrong, terms).empty());
  auto again = read_pairs(pairs_text(wrong));
  again.push_back({1, 0, false});
  CHECK(falls_short(again, terms).contains("on 0 of the newest 20"));
}

TEST_CASE("watch store: a file that is damaged or cut is one that never was") {
  for (const std::string_view text :
       {"1", "1/", "/1", "2/1", "-1/3", "1/1 ", "1/1  1/1", "1/1++", "1/2000000", "1/1,1/1"}) {
    CAPTURE(text);
    CHECK(read_pairs(text).empty());
  }
  CHECK(read_pairs("").empty());
  CHECK(read_pairs("0/0+ 1/2 2/2+").size() == 3);
  CHECK(read_pairs(pairs_text(std::deque<Rerun>(reruns_kept_max + 1, Rerun{1, 1, true}))).empty());
  TempDir dir;
  KeptWatch one;
  one.counts.drill = "d";
  REQUIRE(keep_watches(dir.path(), {one}));
  const std::string whole = read_text(dir.path() / "watch.json", 1u << 20).value();
  for (std::size_t cut = 0; cut + 2 < whole.size(); cut += 7) {
    REQUIRE(write_file_durably(dir.path() / "watch.json", as_bytes(whole.substr(0, cut))));
    CHECK(read_watches(dir.path()).empty());
  }
}
