#include <doctest/doctest.h>

#include <algorithm>

#include "base/seams.h"
#include "pool/settle.h"

using namespace hz;
using namespace hz::pool;

namespace {

// Three members, each with one log; positions are given by hand.
BookFacts world() { return {{"a", "b", "c"}, {"a", "b", "c"}, {"credit"}, {}, {}}; }
constexpr std::uint32_t a = 0, b = 1, c = 2;

BilledFact asked(std::uint32_t provider, std::uint32_t consumer, std::int64_t amount, std::uint64_t at) {
  return {provider, consumer, 0, provider, consumer, false, amount, 0, at, never, never};
}
BilledFact answered(BilledFact f, std::uint64_t at, std::int64_t accepted) {
  f.answered_at = at;
  f.accepted = accepted;
  return f;
}
BilledFact signed_by_both(std::uint32_t provider, std::uint32_t consumer, std::int64_t amount, std::uint64_t at,
                          std::uint64_t answered_at) {
  return answered(asked(provider, consumer, amount, at), answered_at, amount);
}

const AccountLine* line(const Settled& s, std::string_view member) {
  const auto found = std::ranges::find(s.books.accounts, member, &AccountLine::member);
  return found == s.books.accounts.end() ? nullptr : &*found;
}
std::string transfer(const Settled& s, std::string_view member) {
  const AccountLine* found = line(s, member);
  return found ? found->transfer : "no account";
}

// One closing after the other, each taken up by the next as it was signed.
struct Book {
  BookFacts facts = world();
  std::vector<PastClosing> closings = {};
  Settled close(const Heads& heads, std::int64_t step = 1) {
    Settled out = settle(facts, closings, heads, step);
    closings.push_back({heads, out.paid});
    return out;
  }
};

}  // namespace

TEST_CASE("a bill settles with the first closing that has both signatures") {
  Book book;
  book.facts.bills = {signed_by_both(a, b, 100, 5, 3), signed_by_both(a, c, 50, 6, 9)};
  const Settled first = book.close({10, 10, 9});  // c answered at 9, which is not below 9
  CHECK(transfer(first, "a") == "100");
  CHECK(transfer(first, "b") == "-100");
  CHECK(line(first, "c")->asked_of == "50");
  CHECK(first.books.open == 1);
  CHECK(first.states[1] == BillState::open);
  const Settled second = book.close({10, 10, 10});
  CHECK(transfer(second, "a") == "50");
  CHECK(transfer(second, "b") == "0");
  CHECK(transfer(second, "c") == "-50");
  CHECK(second.books.posted == 1);
  CHECK(second.when[0] == 0);
  CHECK(second.when[1] == 1);
  CHECK(first.books.entries != second.books.entries);
}

TEST_CASE("only what was accepted is owed; the rest is asked no more") {
  Book book;
  book.facts.bills = {answered(asked(a, b, 100, 0), 0, 60), answered(asked(a, c, 100, 1), 0, 0)};
  const Settled s = book.close({2, 1, 1});
  CHECK(s.states[0] == BillState::part_accepted);
  CHECK(s.states[1] == BillState::disputed);
  CHECK(transfer(s, "a") == "60");
  CHECK(transfer(s, "b") == "-60");
  CHECK(line(s, "a")->asked_by == "0");
  CHECK(s.books.open == 0);
}

TEST_CASE("a withdrawal ends a bill, except one that was signed by both in the same period") {
  Book book;
  book.facts.bills = {asked(a, b, 100, 0), signed_by_both(a, c, 70, 1, 0)};
  book.facts.bills[0].withdrawn_at = 2;
  book.facts.bills[1].withdrawn_at = 3;
  const Settled s = book.close({4, 1, 1});
  CHECK(s.states[0] == BillState::withdrawn);
  CHECK(s.states[1] == BillState::accepted);
  CHECK(transfer(s, "a") == "70");
  // Withdrawn in a period before it was answered: nothing is owed any more.
  Book other;
  other.facts.bills = {signed_by_both(a, b, 100, 0, 5)};
  other.facts.bills[0].withdrawn_at = 1;
  CHECK(other.close({2, 5, 0}).states[0] == BillState::withdrawn);
  CHECK(other.close({2, 6, 0}).states[0] == BillState::withdrawn);
  CHECK(other.close({2, 6, 0}).paid.empty());
}

TEST_CASE("a bill that is not answered by the third closing is void, and an answer comes too late then") {
  Book book;
  book.facts.bills = {signed_by_both(a, b, 100, 0, 50)};
  CHECK(book.close({1, 1, 0}).states[0] == BillState::open);
  CHECK(book.close({1, 2, 0}).states[0] == BillState::open);
  const Settled third = book.close({1, 3, 0});
  CHECK(third.states[0] == BillState::expired);
  CHECK(third.books.open == 0);
  const Settled late = book.close({1, 60, 0});
  CHECK(late.states[0] == BillState::expired);
  CHECK(late.when[0] == 2);
  CHECK(late.paid.empty());
  // In the third closing itself it is in time.
  book = {};
  book.facts.bills = {signed_by_both(a, b, 100, 0, 3)};
  for (const std::uint64_t head : {1, 2}) book.close({1, head, 0});
  CHECK(book.close({1, 4, 0}).states[0] == BillState::accepted);
}

TEST_CASE("what goes beyond a limit waits without expiry, and is owed as soon as there is room") {
  Book book;
  book.facts.bills = {signed_by_both(a, b, 100, 0, 0), signed_by_both(a, b, 30, 1, 1), signed_by_both(b, c, 80, 5, 9)};
  book.facts.limits = {{b, 0, a, 2, 100}};
  Settled s = book.close({3, 2, 0});
  CHECK(s.states[0] == BillState::accepted);
  CHECK(s.states[1] == BillState::over_limit);
  CHECK(transfer(s, "b") == "-100");
  CHECK(line(s, "b")->asked_of == "30");
  // Paid: there is room again.
  s = book.close({3, 2, 0});
  CHECK(s.states[1] == BillState::accepted);
  CHECK(s.when[1] == 1);

  Book narrow;
  narrow.facts.bills = {signed_by_both(a, b, 130, 0, 0), signed_by_both(b, c, 80, 5, 9)};
  narrow.facts.limits = {{b, 0, a, 2, 100}};
  for (int i = 0; i < 6; ++i) {
    s = narrow.close({3, 2, 0});
    CHECK(s.states[0] == BillState::over_limit);
    CHECK(s.books.open == 1);
  }
  s = narrow.close({3, 6, 10});                 // b earns 80
  CHECK(s.states[0] == BillState::over_limit);  // bills go in order: the earning came after it
  s = narrow.close({3, 6, 10});
  CHECK(s.states[0] == BillState::over_limit);  // what it earned was paid out
  narrow.facts.limits.push_back({b, 0, a, 3, 200});
  s = narrow.close({4, 6, 10});
  CHECK(s.states[0] == BillState::accepted);
  CHECK(transfer(s, "b") == "-130");
}

TEST_CASE("a refund needs one signature, and what was paid back is a correction by a transfer of its own") {
  Book book;
  book.facts.bills = {signed_by_both(a, b, 100, 0, 0)};
  CHECK(transfer(book.close({1, 1, 0}), "b") == "-100");
  BilledFact back = asked(a, b, 40, 7);
  back.refund = true;
  book.facts.bills.push_back(back);
  const Settled s = book.close({8, 1, 0});
  CHECK(s.states[1] == BillState::refunded);
  CHECK(transfer(s, "a") == "-40");
  CHECK(transfer(s, "b") == "40");
  CHECK(line(s, "b")->earned == "40");
}

TEST_CASE("payments are whole steps that add up to zero, and what is less is carried over") {
  Book book;
  book.facts.bills = {signed_by_both(a, b, 25, 0, 0), signed_by_both(a, c, 14, 1, 0)};
  const Settled s = book.close({2, 1, 1}, 10);
  CHECK(transfer(s, "a") == "40");
  CHECK(transfer(s, "b") == "-30");
  CHECK(transfer(s, "c") == "-10");
  CHECK(line(s, "a")->after == "-1");
  CHECK(line(s, "b")->after == "5");
  CHECK(line(s, "c")->after == "-4");
  const Settled next = book.close({2, 1, 1}, 1);
  CHECK(line(next, "b")->before == "5");
  CHECK(transfer(next, "b") == "5");
  CHECK(line(next, "b")->after == "0");
}

TEST_CASE("a log that turns out to have said less corrects the next transfer, and no closed period") {
  Book book;
  book.facts.bills = {signed_by_both(a, b, 100, 0, 0), signed_by_both(a, c, 10, 1, 0)};
  book.close({2, 1, 1});
  book.facts.bills.erase(book.facts.bills.begin());  // a key was revoked from long ago
  const Settled s = book.close({2, 1, 1});
  CHECK(transfer(s, "a") == "-100");
  CHECK(transfer(s, "b") == "100");
  CHECK(line(s, "b")->before == "100");
}

TEST_CASE("units are settled apart") {
  BookFacts facts = world();
  facts.units = {"credit", "hour"};
  facts.bills = {signed_by_both(a, b, 100, 0, 0), signed_by_both(b, a, 7, 0, 1)};
  facts.bills[1].unit = 1;
  const Settled s = settle(facts, {}, {2, 1, 0}, 1);
  REQUIRE(s.books.accounts.size() == 4);
  CHECK(s.books.accounts[0].transfer == "100");
  CHECK(s.books.accounts[2].member == "a");
  CHECK(s.books.accounts[2].unit == "hour");
  CHECK(s.books.accounts[2].transfer == "-7");
}

TEST_CASE("however a span is cut into periods, everybody gets the same in the end, and no money is made") {
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    SeededRng rng(seed);
    BookFacts facts = world();
    Heads ends{0, 0, 0};
    Amount agreed = 0;
    for (int i = 0; i < 40; ++i) {
      const auto provider = static_cast<std::uint32_t>(rng.below(3));
      const auto consumer = (provider + 1 + static_cast<std::uint32_t>(rng.below(2))) % 3;
      BilledFact f = asked(provider, consumer, 1 + static_cast<std::int64_t>(rng.below(1'000'000)), ends[provider]++);
      if (rng.below(5) == 0)
        f.refund = true;
      else if (rng.below(8) != 0) {
        // Answered at once in its own log, so that no cut makes it late.
        f.answered_at = ends[consumer]++;
        f.accepted =
            rng.below(3) == 0 ? static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(f.amount))) : f.amount;
      }
      agreed += f.refund ? f.amount : f.accepted;
      facts.bills.push_back(f);
    }
    const auto totals = [&](const std::vector<Heads>& cuts, std::int64_t step) {
      Book book;
      book.facts = facts;
      std::vector<Amount> got(3, 0);
      Amount posted = 0;
      for (const Heads& heads : cuts) {
        const Settled s = book.close(heads, step);
        Amount sum = 0;
        for (const PaidFact& p : s.paid) {
          got[p.member] += p.amount;
          sum += p.amount;
          CHECK(p.amount % step == 0);
        }
        CHECK(sum == 0);
        Amount earned = 0, owed = 0, after = 0;
        for (const AccountLine& l : s.books.accounts) {
          earned += *parse_amount(l.earned);
          owed += *parse_amount(l.owed);
          after += *parse_amount(l.after);
          CHECK(*parse_amount(l.balance) == *parse_amount(l.before) + *parse_amount(l.earned) - *parse_amount(l.owed));
          CHECK(*parse_amount(l.after) == *parse_amount(l.balance) - *parse_amount(l.transfer));
        }
        CHECK(earned == owed);
        CHECK(after == 0);
        posted += earned;
      }
      CHECK(posted == agreed);
      return got;
    };
    std::vector<Heads> cuts;
    Heads at{0, 0, 0};
    for (int k = 0; k < 2; ++k) {
      for (std::size_t i = 0; i < 3; ++i) at[i] += rng.below(ends[i] - at[i] + 1);
      cuts.push_back(at);
    }
    cuts.push_back(ends);
    CHECK(totals({ends}, 1) == totals(cuts, 1));
    totals(cuts, 10'000);
    // The same again, byte for byte.
    const Settled one = settle(facts, {}, ends, 100), two = settle(facts, {}, ends, 100);
    CHECK(json::dump(to_json(one.books)) == json::dump(to_json(two.books)));
  }
}
