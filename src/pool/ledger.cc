#include "pool/ledger.h"

#include "pool/reasons.h"

namespace hz::pool {

// What one step changed: it added an entry, and perhaps resolved a reservation.
struct Ledger::Undo {
  Place resolved = none;
  Amount posted = 0;
};

AccountNumber Ledger::open(std::uint32_t unit, std::optional<Amount> overdraft) {
  accounts_.push_back({.unit = unit, .overdraft = overdraft});
  return static_cast<AccountNumber>(accounts_.size() - 1);
}

std::size_t Ledger::slot(TransferId id) const {
  const std::uint64_t mixed = (id.high * 0x9E3779B97F4A7C15u) ^ (id.low * 0xC2B2AE3D27D4EB4Fu);
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = static_cast<std::size_t>(mixed ^ (mixed >> 29)) & mask;
  while (slots_[at] != none && entries_[slots_[at]].id != id) at = (at + 1) & mask;
  return at;
}

void Ledger::expect(std::size_t transfers) {
  std::size_t size = 16;
  while (size < 2 * (transfers + 1)) size *= 2;
  if (size <= slots_.size()) return;
  slots_.assign(size, none);
  entries_.reserve(transfers);
  for (Place i = 0; i < entries_.size(); ++i) slots_[slot(entries_[i].id)] = i;
}

void Ledger::add(const Entry& entry) {
  if (2 * (entries_.size() + 1) > slots_.size()) expect(2 * (entries_.size() + 1));
  HZ_ASSERT(entries_.size() < none);
  const std::size_t at = slot(entry.id);
  slots_[at] = static_cast<Place>(entries_.size());
  entries_.push_back(entry);
}

void Ledger::take_back() {
  slots_[slot(entries_.back().id)] = none;
  entries_.pop_back();
}

Amount Ledger::sum(std::uint32_t unit) const {
  Amount out = 0;
  for (const Account& a : accounts_)
    if (a.unit == unit) out += a.balance();
  return out;
}

Amount Ledger::reserved(TransferId id) const {
  const Place found = find(id);
  return found != none && entries_[found].reserved ? entries_[found].amount : 0;
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
    const Place found = find(t.of);
    if (found == none || !entries_[found].reserved)
      return fail(why("pool.reservation"), "{:x}-{:x}", t.of.high, t.of.low);
    Entry& of = entries_[found];
    const Amount posted = t.step == Step::post ? t.amount : 0;
    if (t.step == Step::post && (posted <= 0 || posted > of.amount))
      return fail(why("pool.transfer"), "{} of {} reserved", amount_text(posted), amount_text(of.amount));
    settle(of, posted);
    undo.push_back({found, posted});
    add({t.id, posted, of.debit, of.credit, 0, false});
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
  add({t.id, t.amount, t.debit, t.credit, t.expires, reserve});
  if (reserve && t.expires != 0) expiring_[t.expires].push_back(static_cast<Place>(entries_.size() - 1));
  undo.push_back({});
  return {};
}

Result<void> Ledger::apply(std::span<const Transfer> linked) {
  std::vector<Undo> undo;
  for (const Transfer& t : linked) {
    auto done = apply_one(t, undo);
    if (done) continue;
    for (; !undo.empty(); undo.pop_back()) {
      const Undo& u = undo.back();
      const Entry made = entries_.back();
      Account& debit = accounts_[made.debit];
      Account& credit = accounts_[made.credit];
      if (u.resolved != none) {
        Entry& entry = entries_[u.resolved];
        entry.reserved = true;
        debit.debits_pending += entry.amount;
        credit.credits_pending += entry.amount;
        debit.debits_posted -= u.posted;
        credit.credits_posted -= u.posted;
      } else if (made.reserved) {
        debit.debits_pending -= made.amount;
        credit.credits_pending -= made.amount;
        if (made.expires != 0) expiring_[made.expires].pop_back();  // it is the last one there
      } else {
        debit.debits_posted -= made.amount;
        credit.credits_posted -= made.amount;
      }
      take_back();
    }
    return done;
  }
  return {};
}

std::size_t Ledger::expire(std::int32_t tick) {
  std::size_t released = 0;
  const auto end = expiring_.upper_bound(tick);
  for (auto it = expiring_.begin(); it != end; ++it)
    for (const Place place : it->second) {
      if (!entries_[place].reserved) continue;
      settle(entries_[place], 0);
      ++released;
    }
  expiring_.erase(expiring_.begin(), end);
  return released;
}

}  // namespace hz::pool
