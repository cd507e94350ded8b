#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "base/seams.h"
#include "base/test_result.h"
#include "pool/ledger.h"
#include "pool/reasons.h"

using namespace hz;
using namespace hz::pool;

namespace {

// Everything that can be seen of a ledger.
std::string seen(const Ledger& ledger) {
  std::string out;
  for (AccountNumber a = 0; a < ledger.accounts(); ++a) {
    const Account& s = ledger.account(a);
    for (const Amount n : {s.debits_pending, s.debits_posted, s.credits_pending, s.credits_posted})
      out += amount_text(n) + " ";
  }
  return out;
}

struct World {
  Ledger ledger;
  AccountNumber a = ledger.open(0), b = ledger.open(0), other = ledger.open(1);
  std::uint64_t next = 1;
  TransferId id() { return {7, next++}; }
  Transfer move(AccountNumber from, AccountNumber to, Amount amount) { return {id(), Step::move, from, to, amount}; }
  Transfer reserve(Amount amount, std::int32_t expires = 0) { return {id(), Step::reserve, a, b, amount, {}, expires}; }
  Transfer post(TransferId of, Amount amount) { return {id(), Step::post, 0, 0, amount, of}; }
  Transfer release(TransferId of) { return {id(), Step::release, 0, 0, 0, of}; }
};

}  // namespace

TEST_CASE("amounts: one text each, and nothing else is read") {
  const Amount large = Amount{bill_micro_max} * 1'000'000'000;
  for (const Amount a : {Amount{0}, Amount{1}, Amount{-1}, Amount{10}, large, -large})
    CHECK(parse_amount(amount_text(a)) == a);
  CHECK(amount_text(large) == "1000000000000000000000000");
  for (const char* text : {"", "-", "-0", "01", "+1", " 1", "1 ", "1.5", "0x1", "1234567890123456789012345678901"})
    CHECK_FALSE(parse_amount(text));
  CHECK(credits_text(-12'500'000) == "-12.500000");
  CHECK(credits_text(1) == "0.000001");
}

TEST_CASE("a transfer debits one account and credits another of the same unit") {
  World w;
  CHECK(w.ledger.apply(w.move(w.a, w.b, 100)));
  CHECK(w.ledger.account(w.a).balance() == -100);
  CHECK(w.ledger.account(w.b).balance() == 100);
  CHECK(slug(w.ledger.apply(w.move(w.a, w.other, 1))) == "pool.transfer");
  CHECK(slug(w.ledger.apply(w.move(w.a, w.a, 1))) == "pool.transfer");
  CHECK(slug(w.ledger.apply(w.move(w.a, 99, 1))) == "pool.transfer");
  for (const Amount bad : {Amount{0}, Amount{-1}, Ledger::transfer_max + 1})
    CHECK(slug(w.ledger.apply(w.move(w.a, w.b, bad))) == "pool.transfer");
  CHECK(w.ledger.sum(0) == 0);
}

TEST_CASE("an id is used once, whatever comes with it") {
  World w;
  const Transfer t = w.move(w.a, w.b, 100);
  CHECK(w.ledger.apply(t));
  const std::string before = seen(w.ledger);
  CHECK(slug(w.ledger.apply(t)) == "pool.transfer_twice");
  CHECK(slug(w.ledger.apply(Transfer{t.id, Step::move, w.b, w.a, 5})) == "pool.transfer_twice");
  CHECK(seen(w.ledger) == before);
}

TEST_CASE("a reservation is resolved once: posted in part, released, or expired") {
  World w;
  const Transfer r = w.reserve(100);
  CHECK(w.ledger.apply(r));
  CHECK(w.ledger.account(w.a).debits_pending == 100);
  CHECK(w.ledger.account(w.a).balance() == 0);
  CHECK(slug(w.ledger.apply(w.post(r.id, 101))) == "pool.transfer");
  CHECK(slug(w.ledger.apply(w.post({1, 1}, 1))) == "pool.reservation");
  CHECK(w.ledger.apply(w.post(r.id, 60)));
  CHECK(w.ledger.account(w.a).debits_pending == 0);
  CHECK(w.ledger.account(w.b).balance() == 60);
  CHECK(slug(w.ledger.apply(w.post(r.id, 1))) == "pool.reservation");
  CHECK(slug(w.ledger.apply(w.release(r.id))) == "pool.reservation");

  const Transfer s = w.reserve(5, 3), kept = w.reserve(6, 4), posted = w.reserve(7, 3);
  for (const Transfer& t : {s, kept, posted}) CHECK(w.ledger.apply(t));
  CHECK(w.ledger.apply(w.post(posted.id, 7)));
  CHECK(w.ledger.expire(2) == 0);
  CHECK(w.ledger.expire(3) == 1);
  CHECK(w.ledger.reserved(s.id) == 0);
  CHECK(w.ledger.reserved(kept.id) == 6);
  CHECK(slug(w.ledger.apply(w.post(s.id, 5))) == "pool.reservation");
  CHECK(w.ledger.expire(3) == 0);
}

TEST_CASE("an account with a limit is not overdrawn, not by reservations either") {
  World w;
  w.ledger.limit(w.a, 100);
  CHECK(w.ledger.apply(w.reserve(70)));
  CHECK(slug(w.ledger.apply(w.move(w.a, w.b, 31))) == "pool.overdraft");
  CHECK(w.ledger.apply(w.move(w.a, w.b, 30)));
  CHECK(slug(w.ledger.apply(w.reserve(1))) == "pool.overdraft");
  CHECK(w.ledger.apply(w.move(w.b, w.a, 10)));
  CHECK(w.ledger.apply(w.reserve(10)));
}

TEST_CASE("linked transfers happen all or none, also when the last one fails") {
  World w;
  w.ledger.limit(w.a, 100);
  const Transfer r = w.reserve(40, 9);
  CHECK(w.ledger.apply(r));
  const std::string before = seen(w.ledger);
  const Transfer second = w.reserve(5, 9);
  const Transfer group[] = {w.post(r.id, 40),    second,          w.release(second.id),
                            w.move(w.b, w.a, 3), w.reserve(1, 9), w.move(w.a, w.b, 1'000)};
  CHECK(slug(w.ledger.apply(group)) == "pool.overdraft");
  CHECK(seen(w.ledger) == before);
  CHECK(w.ledger.reserved(r.id) == 40);
  for (const Transfer& t : group) CHECK_FALSE(w.ledger.known(t.id));
  CHECK(w.ledger.expire(9) == 1);  // nothing of what was undone
  CHECK(w.ledger.account(w.a).debits_pending == 0);
}

TEST_CASE("whatever is tried in whatever order, money is neither made nor lost") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SeededRng rng(seed);
    Ledger ledger;
    std::vector<AccountNumber> accounts;
    for (int i = 0; i < 8; ++i)
      accounts.push_back(ledger.open(static_cast<std::uint32_t>(i % 2),
                                     rng.below(2) ? std::optional<Amount>(rng.below(500)) : std::nullopt));
    std::vector<Transfer> tried;
    for (int i = 0; i < 400; ++i) {
      std::vector<Transfer> group(1 + rng.below(3));
      for (Transfer& t : group) {
        t.id = {0, rng.below(300)};
        t.step = static_cast<Step>(rng.below(4));
        t.debit = static_cast<AccountNumber>(rng.below(9));
        t.credit = static_cast<AccountNumber>(rng.below(9));
        t.amount = static_cast<Amount>(rng.below(200));
        t.of = {0, rng.below(300)};
        t.expires = static_cast<std::int32_t>(rng.below(5));
        if (!tried.empty() && rng.below(4) == 0) t = tried[rng.below(tried.size())];  // a replay
        tried.push_back(t);
      }
      const std::string before = seen(ledger);
      const auto known = [&](const Transfer& t) { return ledger.known(t.id); };
      const bool replayed = std::ranges::any_of(group, known);
      const auto done = ledger.apply(group);
      if (!done) CHECK(seen(ledger) == before);
      if (replayed) CHECK_FALSE(done);
      if (rng.below(50) == 0) ledger.expire(static_cast<std::int32_t>(rng.below(5)));
      for (const std::uint32_t unit : {0u, 1u}) {
        CHECK(ledger.sum(unit) == 0);
        Amount debits = 0, credits = 0;
        for (const AccountNumber a : accounts) {
          const Account& s = ledger.account(a);
          if (s.unit != unit) continue;
          debits += s.debits_pending;
          credits += s.credits_pending;
          CHECK(std::min({s.debits_pending, s.credits_pending, s.debits_posted, s.credits_posted}) >= 0);
          if (s.overdraft) CHECK(s.debits_posted + s.debits_pending <= s.credits_posted + *s.overdraft);
        }
        CHECK(debits == credits);
      }
    }
  }
}
