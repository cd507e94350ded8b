// The gateway's rules: breaker, quota, turns, meter.
#include <doctest/doctest.h>

#include <random>

#include "pool/breaker.h"
#include "pool/meter.h"
#include "pool/quota.h"
#include "pool/turns.h"

using namespace hz;
using namespace hz::pool;

TEST_CASE("breaker: opens after failures in a row, lets one probe through, and closes with its success") {
  Breaker b({.failures_max = 3, .open_ms = 100, .open_ms_max = 250});
  for (int i = 0; i < 2; ++i) b.failed(0);
  b.succeeded();
  for (int i = 0; i < 2; ++i) b.failed(0);
  CHECK(b.allows(0));
  b.failed(0);
  CHECK(b.open());
  CHECK_FALSE(b.allows(99));
  CHECK(b.allows(100));        // the probe
  CHECK_FALSE(b.allows(100));  // and no second one
  b.failed(100);
  CHECK_FALSE(b.allows(299));  // twice as long
  CHECK(b.allows(300));
  b.failed(300);
  CHECK_FALSE(b.allows(549));  // but no longer than the most
  CHECK(b.allows(550));
  b.forgotten();  // the client of the probe left
  CHECK(b.allows(550));
  b.succeeded();
  CHECK_FALSE(b.open());
  for (int i = 0; i < 3; ++i) b.failed(600);
  CHECK(b.allows(700));  // the pause is short again
}

TEST_CASE("quota: what is reserved counts at once, what is settled counts as used, what is released does not count") {
  QuotaBook book;
  const Quota quota{.requests_per_minute = 3, .units_per_minute = 100};
  const auto first = book.reserve("k", quota, 60, 1'000);
  REQUIRE(first);
  CHECK(book.reserve("k", quota, 60, 1'000).error() == 59'000);
  book.settle(*first, 30);
  const auto second = book.reserve("k", quota, 60, 1'000);
  REQUIRE(second);
  book.release(*second);
  CHECK(book.used("k", 1'000).units == 30);
  CHECK(book.used("k", 1'000).requests == 1);
  CHECK(book.reserve("k", quota, 1, 2'000));
  CHECK(book.reserve("k", quota, 1, 2'000));
  CHECK_FALSE(book.reserve("k", quota, 1, 2'000));
  CHECK(book.reserve("other", quota, 1, 2'000));
  CHECK(book.reserve("k", quota, 100, 60'000));  // the next minute
  book.settle(*second, 1'000);                   // an old claim does not reach into it
  CHECK(book.used("k", 60'000).units == 100);
  CHECK(book.reserve("free", {}, 1'000'000, 0));
}

TEST_CASE("turns: each target as often as its weight, spread evenly; weight 0 is a spare") {
  Turns turns({5, 1, 1, 0});
  std::string order;
  for (int i = 0; i < 7; ++i) order += "abcd"[*turns.next([](std::size_t) { return true; })];
  CHECK(order == "aabacaa");
  CHECK(*turns.next([](std::size_t i) { return i == 3; }) == 3);
  CHECK_FALSE(turns.next([](std::size_t) { return false; }));
  std::array<int, 4> counts{};
  for (int i = 0; i < 600; ++i) ++counts[*turns.next([](std::size_t at) { return at != 0; })];
  CHECK(counts == std::array<int, 4>{0, 300, 300, 0});
}

TEST_CASE("meter: a request counts once, whatever became of it") {
  const std::string begin = meter_line(MeterBegin{"a-1", 5, "k1", "product:glyph"});
  MeterEnd done{"a-1", 9, Fate::whole, 200, 2, "site:a", "backend:refrt", 10, 20, 300, 7, "l-1"};
  const std::string end = meter_line(done);
  const auto both = read_meter(begin + end);
  REQUIRE(both);
  REQUIRE(both->requests.size() == 1);
  CHECK(both->requests[0].end.fate == Fate::whole);
  CHECK(both->requests[0].end.served_us == 300);
  CHECK(both->requests[0].end.units == 7);
  CHECK(both->requests[0].end.backend == "backend:refrt");
  const auto died = read_meter(begin);
  REQUIRE(died);
  CHECK(died->requests[0].end.fate == Fate::node_died);
  for (const std::string& bad : {end, begin + begin, begin + end + end, "x" + begin + end, begin + "\n" + end})
    CHECK(read_meter(bad).error().reason->slug == "pool.meter");
  // A torn last line is left out and named; the claim it would have ended died with the node.
  for (std::size_t cut = 1; cut < end.size(); ++cut) {
    const auto torn = read_meter(begin + end.substr(0, cut));
    REQUIRE(torn);
    CHECK(torn->torn);
    CHECK(torn->good_bytes == begin.size());
    CHECK(torn->requests[0].end.fate == Fate::node_died);
  }
}

TEST_CASE("meter: any flipped byte of a line is noticed") {
  const std::string text = meter_line(MeterBegin{"a-1", 5, "k1", "product:glyph"}) +
                           meter_line(MeterEnd{"a-1", 9, Fate::cut, 200, 1, "s", "b", 1, 2, 3}) +
                           meter_line(MeterBegin{"a-2", 6, "k1", "product:glyph"});
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string other = text;
    other[i] = static_cast<char>(other[i] ^ 1);
    const auto got = read_meter(other);
    CAPTURE(i);
    if (i + 1 == text.size()) {  // without its end a line looks half written
      REQUIRE(got);
      CHECK(got->torn);
    } else {
      CHECK_FALSE(got);
    }
  }
}

TEST_CASE("meter: random fates add up, and each claim stands once") {
  std::mt19937_64 random(20261127);
  MESSAGE("seed 20261127");
  std::string text;
  std::vector<std::string> open;
  std::map<std::string_view, std::int64_t> expected;
  std::int64_t begun = 0, billed = 0, expected_bytes = 0;
  constexpr int requests = 100'000;
  while (begun < requests || !open.empty()) {
    if (begun < requests && (open.size() < 8 || random() % 2)) {
      open.push_back(std::to_string(begun++));
      text += meter_line(MeterBegin{open.back(), begun, "k", "product:p"});
      continue;
    }
    const std::size_t at = random() % open.size();
    const auto fate = static_cast<Fate>(random() % 5);
    ++expected[fate_text(fate)];
    if (fate != Fate::node_died) {
      const auto bytes = static_cast<std::int64_t>(random() % 1000);
      expected_bytes += bytes;
      text += meter_line(MeterEnd{open[at], 0, fate, 200, 1, "s", "b", 0, bytes, 1});
      ++billed;
    }
    open[at] = open.back();
    open.pop_back();
  }
  const auto read = read_meter(text);
  REQUIRE(read);
  CHECK(read->requests.size() == requests);
  const auto sums = usage_of(read->requests);
  REQUIRE(sums.size() == 1);
  CHECK(sums[0].requests == requests);
  CHECK(sums[0].whole == expected["whole"]);
  CHECK(sums[0].cut == expected["cut"]);
  CHECK(sums[0].refused == expected["refused"]);
  CHECK(sums[0].client_gone == expected["client_gone"]);
  CHECK(sums[0].node_died == expected["node_died"]);
  CHECK(sums[0].answer_bytes == expected_bytes);
  CHECK(sums[0].served_us == billed);
}
