#include "pool/ledger.h"

#include <algorithm>

#include "pool/reasons.h"

namespace hz::pool {

// What one step changed: the transfer it made known, and the reservation it resolved.
struct Ledger::Undo {
  TransferId made;
  std::optional<TransferId> resolved = {};
  Amount posted = 0;
};

AccountNumber Ledger::open(std::uint32_t unit, std::optional<Amount> overdraft) {
  accounts_.push_back({.unit = unit, .overdraft = overdraft});
  return static_cast<AccountNumber>(accounts_.size() - 1);
}

void Ledger::expect(std::size_t transfers) { entries_.reserve(transfers); }

Amount Ledger::sum(std::uint32_t unit) const {
  Amount out = 0;
  for (const Account& a : accounts_)
    if (a.unit == unit) out += a.balance();
  return out;
}

Amount Ledger::reserved(TransferId id) const {
  const auto found = entries_.find(id);
  return found != entries_.end() && found->second.reserved ? found->second.amount : 0;
}

// The reservation ends; `posted` of it happens.
void Ledger::settle(Entry& entry, Amount posted) {
  Account& debit = accounts_[entry.debit];
  Account& credit = accounts_[entry.credit];
  debit.debits_pending -= entry.amount;
  credit.credits_pending -= entry.amount;
  debit.debits_posted += posted;
  credit.credits_posted += posted;
  entry.reserved = false;
}

Result<void> Ledger::apply_one(const Transfer& t, std::vector<Undo>& undo) {
  if (known(t.id)) return fail(why("pool.transfer_twice"), "{:x}-{:x}", t.id.high, t.id.low);
  if (t.step == Step::post || t.step == Step::release) {
    const auto found = entries_.find(t.of);
    if (found == entries_.end() || !found->second.reserved)
      return fail(why("pool.reservation"), "{:x}-{:x}", t.of.high, t.of.low);
    const Amount posted = t.step == Step::post ? t.amount : 0;
    if (t.step == Step::post && (posted <= 0 || posted > found->second.amount))
      return fail(why("pool.transfer"), "{} of {} reserved", amount_text(posted), amount_text(found->second.amount));
    settle(found->second, posted);
    undo.push_back({t.id, t.of, posted});
    entries_.emplace(t.id, Entry{found->second.debit, found->second.credit, false, 0, posted});
    return {};
  }
  if (t.debit >= accounts_.size() || t.credit >= accounts_.size() || t.debit == t.credit)
    return fail(why("pool.transfer"), "accounts {} and {}", t.debit, t.credit);
  Account& debit = accounts_[t.debit];
  Account& credit = accounts_[t.credit];
  if (debit.unit != credit.unit) return fail(why("pool.transfer"), "accounts {} and {}: two units", t.debit, t.credit);
  if (t.amount <= 0 || t.amount > transfer_max) return fail(why("pool.transfer"), "amount {}", amount_text(t.amount));
  if (debit.overdraft &&
      debit.debits_posted + debit.debits_pending + t.amount > debit.credits_posted + *debit.overdraft)
    return fail(why("pool.overdraft"), "{} over a balance of {}, {} reserved, limit {}", amount_text(t.amount),
                amount_text(debit.balance()), amount_text(debit.debits_pending), amount_text(*debit.overdraft));
  const bool reserve = t.step == Step::reserve;
  (reserve ? debit.debits_pending : debit.debits_posted) += t.amount;
  (reserve ? credit.credits_pending : credit.credits_posted) += t.amount;
  entries_.emplace(t.id, Entry{t.debit, t.credit, reserve, t.expires, t.amount});
  if (reserve && t.expires != 0) expiring_[t.expires].push_back(t.id);
  undo.push_back({t.id});
  return {};
}

Result<void> Ledger::apply(std::span<const Transfer> linked) {
  std::vector<Undo> undo;
  for (const Transfer& t : linked) {
    auto done = apply_one(t, undo);
    if (done) continue;
    for (; !undo.empty(); undo.pop_back()) {
      const Undo& u = undo.back();
      const auto made = entries_.find(u.made);
      Account& debit = accounts_[made->second.debit];
      Account& credit = accounts_[made->second.credit];
      const Amount amount = made->second.amount;
      if (u.resolved) {
        Entry& entry = entries_.find(*u.resolved)->second;
        entry.reserved = true;
        debit.debits_pending += entry.amount;
        credit.credits_pending += entry.amount;
        debit.debits_posted -= u.posted;
        credit.credits_posted -= u.posted;
      } else if (made->second.reserved) {
        debit.debits_pending -= amount;
        credit.credits_pending -= amount;
        // It is the last one there: what is undone is undone from its end.
        if (made->second.expires != 0) expiring_[made->second.expires].pop_back();
      } else {
        debit.debits_posted -= amount;
        credit.credits_posted -= amount;
      }
      entries_.erase(made);
    }
    return done;
  }
  return {};
}

std::size_t Ledger::expire(std::int64_t tick) {
  std::vector<TransferId> due;
  const auto end = expiring_.upper_bound(tick);
  for (auto it = expiring_.begin(); it != end; ++it) due.insert(due.end(), it->second.begin(), it->second.end());
  expiring_.erase(expiring_.begin(), end);
  std::ranges::sort(due);
  std::size_t released = 0;
  for (const TransferId id : due) {
    Entry& entry = entries_.find(id)->second;
    if (!entry.reserved) continue;
    settle(entry, 0);
    ++released;
  }
  return released;
}

}  // namespace hz::pool
