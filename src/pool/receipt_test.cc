#include <doctest/doctest.h>

#include "base/test_result.h"
#include "pool/account_round.h"
#include "pool/close.h"
#include "pool/compare.h"
#include "pool/reasons.h"
#include "statement/canonical.h"

using namespace hz;
using namespace hz::pool;

namespace {

constexpr std::int64_t hour_ms = 3'600'000;

Receipt receipt(std::string subject, Quantities used, Price price) {
  return {std::move(subject), "product:glyph", 0, hour_ms, used, price, 0};
}
Bill head() {
  Bill b;
  b.consumer = "lab.example";
  b.unit = "credit";
  b.period = "2026-11";
  return b;
}
WholeBill whole(std::vector<Receipt> receipts) {
  SeededRng rng(7);
  return make_bill(head(), std::move(receipts), rng).value();
}
WholeBill two() {
  return whole({receipt("lease:b", {2 * hour_ms, 0, 0}, {1'500'000, 0, 0}),
                receipt("key:0123456789abcdef", {0, 1'000, 0}, {0, 3'000'000, 0})});
}

}  // namespace

TEST_CASE("periods: months and days, with their bounds") {
  CHECK(bounds_of("2026-11").from_ms == 1'793'491'200'000);
  CHECK(bounds_of("2026-11").to_ms - bounds_of("2026-11").from_ms == 30 * 24 * hour_ms);
  CHECK(bounds_of("2026-12").from_ms == bounds_of("2026-11").to_ms);
  CHECK(bounds_of("2026-12-31").to_ms == bounds_of("2027-01").from_ms);
  CHECK(bounds_of("2028-02-29").to_ms == bounds_of("2028-03").from_ms);
  for (const char* bad : {"", "2026", "2026-13", "2026-00", "2026-02-30", "2026-1", "2026/11", "1969-12", "2026-11-1",
                          "2026-11-011", "20a6-11"})
    CHECK_FALSE(is_period(bad));
}

TEST_CASE("a price is exact: what many receipts lose by rounding, one bill does not") {
  // A third of a micro-credit each.
  const Price price{1'200'000, 0, 0};
  std::vector<Receipt> many;
  for (int i = 0; i < 999; ++i) many.push_back(receipt(fmt::format("lease:{:03}", i), {1, 0, 0}, price));
  const WholeBill b = whole(many);
  CHECK(b.bill.amount_micro == 333);
  std::int64_t sum = 0;
  for (const Receipt& r : b.receipts.receipts) {
    CHECK((r.amount_micro == 0 || r.amount_micro == 1));
    sum += r.amount_micro;
  }
  CHECK(sum == 333);
  CHECK(check_together(b.bill, b.receipts));
}

TEST_CASE("largest remainder: sums stay, nobody is more than one off, equals by order") {
  const Amount third[] = {10, 10, 10};
  CHECK(largest_remainder(third, 3, 10) == std::vector<Amount>{4, 3, 3});
  const Amount signs[] = {-25, 14, 11};
  const auto steps = largest_remainder(signs, 10, 0);
  CHECK(steps == std::vector<Amount>{-2, 1, 1});
  for (std::uint64_t seed = 1; seed < 200; ++seed) {
    SeededRng rng(seed);
    std::vector<Amount> balances;
    Amount sum = 0;
    for (std::uint64_t i = 0, n = 1 + rng.below(30); i < n; ++i) {
      balances.push_back(static_cast<Amount>(rng.below(2'000'000)) - 1'000'000);
      sum += balances.back();
    }
    balances.push_back(-sum);
    const Amount step = 1 + static_cast<Amount>(rng.below(20'000));
    Amount total = 0;
    const auto parts = largest_remainder(balances, step, 0);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      total += parts[i];
      const Amount off = balances[i] - parts[i] * step;
      CHECK(off < step);
      CHECK(off > -step);
      if (balances[i] % step == 0) CHECK(off == 0);
    }
    CHECK(total == 0);
  }
}

TEST_CASE("the largest bill of the largest prices fits") {
  std::vector<Receipt> many;
  const Quantities most{quantity_max, quantity_max, quantity_max};
  const Price dearest{price_micro_max, price_micro_max, price_micro_max};
  for (std::size_t i = 0; i < receipts_max; ++i) many.push_back(receipt(fmt::format("lease:{:04}", i), most, dearest));
  std::vector<Amount> exact;
  for (const Receipt& r : many) exact.push_back(exact_cost(r.used, r.price));
  CHECK(rounded_sum(exact, price_denominator) > Amount{bill_micro_max});
  SeededRng rng(1);
  CHECK(slug(make_bill(head(), many, rng)) == "pool.bill");
}

TEST_CASE("a bill and its receipts hold together, and nothing else does") {
  const WholeBill good = two();
  CHECK(good.bill.amount_micro == 3'003'000);
  CHECK(good.receipts.receipts[0].subject == "key:0123456789abcdef");
  CHECK(check_together(good.bill, good.receipts));
  const auto broken = [&](auto change) {
    WholeBill b = good;
    change(b);
    return slug(check_together(b.bill, b.receipts)) == "pool.bill";
  };
  CHECK(broken([](WholeBill& b) { ++b.bill.amount_micro; }));
  CHECK(broken([](WholeBill& b) { ++b.bill.receipts; }));
  CHECK(broken([](WholeBill& b) { ++b.receipts.receipts[0].used.units; }));
  CHECK(broken([](WholeBill& b) { b.receipts.salt[0] = b.receipts.salt[0] == '0' ? '1' : '0'; }));
  CHECK(broken([](WholeBill& b) { b.bill.details = std::string(64, '0'); }));
  SeededRng rng(7);
  CHECK(slug(make_bill(head(), {}, rng)) == "pool.bill");
  CHECK(slug(make_bill(head(), {receipt("lease:a", {1, 0, 0}, {-1, 0, 0})}, rng)) == "pool.price");
  CHECK(slug(make_bill(head(), {receipt("lease:a", {-1, 0, 0}, {1, 0, 0})}, rng)) == "pool.quantity");
}

TEST_CASE("statements out of their rules are refused") {
  const WholeBill good = two();
  const auto bill = [&](auto change) {
    Bill b = good.bill;
    change(b);
    return slug(check(b));
  };
  CHECK(bill([](Bill&) {}) == "");
  CHECK(bill([](Bill& b) { b.bill = "A"; }) == "pool.bill");
  CHECK(bill([](Bill& b) { b.consumer = ""; }) == "pool.bill");
  CHECK(bill([](Bill& b) { b.unit = "Credit"; }) == "pool.bill");
  CHECK(bill([](Bill& b) { b.period = "2026-13"; }) == "pool.period");
  CHECK(bill([](Bill& b) { b.amount_micro = 0; }) == "pool.bill");
  CHECK(bill([](Bill& b) { b.amount_micro = bill_micro_max + 1; }) == "pool.bill");
  CHECK(bill([](Bill& b) { b.receipts = 0; }) == "pool.bill");
  CHECK(bill([](Bill& b) { b.details = "x"; }) == "pool.bill");
  Receipts unsorted = good.receipts;
  std::swap(unsorted.receipts[0], unsorted.receipts[1]);
  CHECK(slug(check(unsorted)) == "pool.bill");
  Receipts odd = good.receipts;
  odd.receipts[0].subject = "member:x";
  CHECK(slug(check(odd)) == "pool.bill");
  const std::string digest(64, 'a');
  CHECK(check(Countersign{"hall.example", "b1", digest, 3, 4}));
  CHECK(slug(check(Countersign{"hall.example", "b1", digest, 0, 0})) == "pool.bill");
  CHECK(slug(check(Countersign{"hall.example", "b1", digest, -1, 4})) == "pool.bill");
  CHECK(check(Dispute{"hall.example", "b1", {{0, {}, "not used"}}}));
  CHECK(slug(check(Dispute{"hall.example", "b1", {{1, {}, "a"}, {1, {}, "b"}}})) == "pool.bill");
  CHECK(slug(check(Dispute{"hall.example", "b1", {}})) == "pool.bill");
  CHECK(check(PriceList{"credit", "2026-11", {{"product:glyph", {1, 2, 3}}}}));
  CHECK(slug(check(PriceList{"credit", "2026-11", {{"product:glyph", {}}, {"product:glyph", {}}}})) == "pool.price");
  CHECK(slug(check(PriceList{"credit", "soon", {{"product:glyph", {}}}})) == "pool.period");
  CHECK(check(Limit{"lab.example", "credit", 0}));
  CHECK(slug(check(Limit{"lab.example", "credit", -1})) == "pool.limit");
}

TEST_CASE("a closing's transfers are sorted multiples of its step that add up to zero") {
  Close good;
  good.closing = {"settlement", "2026-11", {{"a.example", 1, std::string(64, '1')}}, std::string(64, '2')};
  good.step_micro = 10;
  good.transfers = {{"a.example", "credit", "-20"}, {"b.example", "credit", "20"}};
  CHECK(check(good));
  const auto refused = [&](auto change) {
    Close c = good;
    change(c);
    return slug(check(c));
  };
  CHECK(refused([](Close& c) { c.transfers[1].amount_micro = "30"; }) == "pool.close");
  CHECK(refused([](Close& c) { c.transfers[1].amount_micro = "25"; }) == "pool.close");
  CHECK(refused([](Close& c) { c.transfers[0].amount_micro = "-0"; }) == "pool.close");
  CHECK(refused([](Close& c) { c.transfers[1].unit = "yuan"; }) == "pool.close");
  CHECK(refused([](Close& c) { std::swap(c.transfers[0], c.transfers[1]); }) == "pool.close");
  CHECK(refused([](Close& c) { c.closing.what = "ballot"; }) == "pool.close");
  CHECK(refused([](Close& c) { c.closing.of = "November"; }) == "pool.period");
  CHECK(refused([](Close& c) { c.previous = "x"; }) == "pool.close");
  CHECK(refused([](Close& c) { c.step_micro = 0; }) == "pool.close");
  CHECK(refused([](Close& c) { c.closing.frontier.clear(); }) == "alliance.closing");
}

TEST_CASE("comparing: within the tolerance, above it, at another price, unmeasured, broken") {
  const WholeBill b = two();
  std::vector<Measured> own{{"hall.example", "lease:b", "product:glyph", {2 * hour_ms, 0, 0}},
                            {"hall.example", "key:0123456789abcdef", "product:glyph", {0, 1'000, 0}}};
  own[0].price = Price{1'500'000, 0, 0};
  const PriceVector prices{{"product:glyph", {0, 3'000'000, 0}}};
  const Tolerance tight{.permille = 10, .device_ms = 0, .units = 0, .bytes = 0};
  const auto match = [&](const std::vector<Measured>& measured, const BySubject& accepted = {}) {
    std::vector<std::string_view> out;
    for (const ComparedReceipt& c : compare(b.bill, b.receipts, measured, accepted, prices, tight))
      out.push_back(enum_text(c.match));
    return out;
  };
  using Words = std::vector<std::string_view>;
  CHECK(match(own) == Words{"matched", "matched"});
  own[1].used.units = 991;  // 1000 is within one per cent of 991, and not of 990
  CHECK(match(own) == Words{"matched", "matched"});
  own[1].used.units = 990;
  CHECK(match(own) == Words{"over", "matched"});
  own[1].used.units = 5'000;  // in the consumer's favour
  CHECK(match(own) == Words{"matched", "matched"});
  CHECK(match(own, {{{"lease:b", "product:glyph"}, {hour_ms, 0, 0}}}) == Words{"matched", "over"});
  own[0].price = Price{1'400'000, 0, 0};
  CHECK(match(own) == Words{"matched", "price"});
  own.pop_back();
  CHECK(match(own) == Words{"unmeasured", "price"});
  WholeBill broken = b;
  broken.receipts.receipts[0].amount_micro += 1;
  const auto all = compare(broken.bill, broken.receipts, own, {}, prices, tight);
  CHECK(worst(all) == Match::broken);
}

TEST_CASE("due: only what was not billed, and nothing when the meter lost files") {
  const PriceVector prices{{"product:glyph", {0, 1'000'000, 0}}};
  const std::vector<Measured> measured{{"lab.example", "key:0123456789abcdef", "product:glyph", {0, 500, 90}}};
  const std::pair key{std::string("key:0123456789abcdef"), std::string("product:glyph")};
  CHECK(due(measured, {}, prices).value().at(0).used == Quantities{0, 500, 90});
  CHECK(due(measured, {{key, {0, 400, 90}}}, prices).value().at(0).used == Quantities{0, 100, 0});
  CHECK(due(measured, {{key, {0, 500, 90}}}, prices).value().empty());
  CHECK(due(measured, {{key, {0, 900, 900}}}, prices).value().empty());
  CHECK(slug(due(measured, {}, {})) == "pool.no_price");
}

TEST_CASE("a usage file is read or refused as a whole") {
  const std::string good = R"({"usage":[{"member":"lab.example","subject":"key:0123456789abcdef",)"
                           R"("what":"product:glyph","used":{"units":5}}]})";
  CHECK(read_usage_file(good).value().at(0).used.units == 5);
  for (const char* bad :
       {"", "{}x", R"({"usage":[{}]})", R"({"usage":[{"member":"","subject":"key:1","what":"product:g","used":{}}]})",
        R"({"usage":[{"member":"a","subject":"site:1","what":"product:g","used":{}}]})",
        R"({"usage":[{"member":"a","subject":"key:1","what":"g","used":{}}]})",
        R"({"usage":[{"member":"a","subject":"key:1","what":"product:g","used":{"units":-1}}]})",
        R"({"usage":[{"member":"a","subject":"key:1","what":"product:g","used":{},"from_ms":2,"to_ms":1}]})",
        R"({"usage":[{"member":"a","subject":"key:1","what":"product:g","used":{}},)"
        R"({"member":"a","subject":"key:1","what":"product:g","used":{}}]})"})
    CHECK(slug(read_usage_file(bad)) == "pool.usage_file");
  CHECK(lease_price(5, 3, 0) == Price{5, 3, 0});
  CHECK(lease_price(5, 3, 2) == Price{5, 2, 0});
}

TEST_CASE("what a node may do by itself is said in full, or nothing is done") {
  const AccountSettings plain = read_account_settings("{}").value();
  CHECK_FALSE(plain.bill);
  CHECK(plain.countersign);
  CHECK(read_account_settings(R"({"bill":true,"period":"day","every_s":5})").value().bill);
  for (const char* bad : {"", "[]", R"({"bil":true})", R"({"period":"week"})", R"({"every_s":0})",
                          R"({"tolerance_permille":1001})", R"({"unit":"Credit"})", R"({"bill":1})"})
    CHECK(slug(read_account_settings(bad)) == "pool.account_settings");
  const TempDir dir;
  CHECK_FALSE(account_settings(dir.path()).value());
  CHECK(period_at(1'793'491'200'000, true) == "2026-11");
  CHECK(period_at(1'793'491'199'999, false) == "2026-10-31");
  CHECK(period_before("2026-11-01") == "2026-10-31");
  CHECK(period_before("2026-01") == "2025-12");
}
