#include "pool/settle.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "pool/price.h"

namespace hz::pool {
namespace {

// Each transfer of one bill has its own id: the position of the bill in its provider's log, and what it does.
enum class Purpose : std::uint64_t { ask, answer, hold, unhold, owe, refund, paid };
TransferId id_of(Purpose purpose, std::uint64_t where, std::uint64_t number) {
  return {(static_cast<std::uint64_t>(purpose) << 32) | where, number};
}

struct Earnings {
  Amount before = 0, earned = 0, owed = 0;
};

class Run {
 public:
  Run(const BookFacts& facts, const std::vector<PastClosing>& closings, const Heads& heads)
      : facts_(facts), closings_(closings), heads_(heads), units_(facts.units.size()) {
    // Per unit and member one account for what counts and one for what is only asked; then a clearing account a unit.
    // Nobody agreed to what is only asked, so it does not use up the limit.
    for (std::uint32_t unit = 0; unit < units_; ++unit)
      for (std::size_t m = 0; m < facts.members.size(); ++m) {
        ledger_.open(unit);
        ledger_.open(unit);
      }
    for (std::uint32_t unit = 0; unit < units_; ++unit) ledger_.open(unit);
    ledger_.expect(facts.bills.size());
    out_.states.assign(facts.bills.size(), BillState::open);
    out_.when.assign(facts.bills.size(), last());
    resolved_.assign(facts.bills.size(), false);
    asked_.assign(facts.bills.size(), false);
    touched_.assign(ledger_.accounts(), false);
    earnings_.resize(ledger_.accounts());
  }

  Settled run(std::int64_t step_micro) {
    for (std::uint32_t k = 0; k < last(); ++k) {
      take(k, closings_[k].heads);
      for (const PaidFact& p : closings_[k].paid) pay(k, p);
    }
    for (AccountNumber a = 0; a < ledger_.accounts(); ++a) earnings_[a] = {ledger_.account(a).balance(), 0, 0};
    take(last(), heads_);
    lines(step_micro);
    return std::move(out_);
  }

 private:
  std::uint32_t last() const { return static_cast<std::uint32_t>(closings_.size()); }
  AccountNumber account(std::uint32_t member, std::uint32_t unit) const {
    return static_cast<AccountNumber>(2 * (unit * facts_.members.size() + member));
  }
  AccountNumber asked(std::uint32_t member, std::uint32_t unit) const { return account(member, unit) + 1; }
  AccountNumber clearing(std::uint32_t unit) const {
    return static_cast<AccountNumber>(2 * units_ * facts_.members.size() + unit);
  }
  static bool below(std::uint64_t at, std::uint32_t log, const Heads& heads) {
    return at != never && log < heads.size() && at < heads[log];
  }

  void pay(std::uint32_t closing, const PaidFact& p) {
    const AccountNumber member = account(p.member, p.unit), pool = clearing(p.unit);
    touched_[member] = true;
    // Who is paid has less credit in the pool afterwards. A payment is a fact: no limit stops it.
    const bool received = p.amount > 0;
    const Transfer t{id_of(Purpose::paid, closing, member), Step::move, received ? member : pool,
                     received ? pool : member, received ? p.amount : -p.amount};
    const auto limit = ledger_.account(member).overdraft;
    ledger_.limit(member, std::nullopt);
    HZ_ASSERT(ledger_.apply(t));
    ledger_.limit(member, limit);
  }

  void resolve(std::size_t i, std::uint32_t closing, BillState state) {
    out_.states[i] = state;
    out_.when[i] = closing;
    resolved_[i] = true;
  }

  void posted(const BilledFact& b, std::uint32_t closing, std::int64_t amount) {
    const AccountNumber to = account(b.provider, b.unit), from = account(b.consumer, b.unit);
    touched_[to] = touched_[from] = true;
    earnings_[b.refund ? from : to].earned += amount;
    earnings_[b.refund ? to : from].owed += amount;
    if (closing != last()) return;
    ++out_.books.posted;
    line_.clear();
    fmt::format_to(std::back_inserter(line_), "{} {} {}\n", facts_.logs[b.provider_log], b.billed_at, amount);
    entries_.update(as_bytes(line_));
  }

  // What lies below these heads and not below the ones before.
  void take(std::uint32_t closing, const Heads& heads) {
    for (const LimitFact& l : facts_.limits)
      if (below(l.at, l.log, heads)) ledger_.limit(account(l.member, l.unit), l.overdraft);
    // Refunds first: they only add credit to those who are asked.
    for (const bool refunds : {true, false})
      for (std::size_t i = first_open_; i < facts_.bills.size(); ++i)
        if (!resolved_[i] && facts_.bills[i].refund == refunds) bill(i, closing, heads);
    if (ledger_.expire(static_cast<std::int32_t>(closing + 1)) > 0)
      for (std::size_t i = first_open_; i < facts_.bills.size(); ++i)
        if (asked_[i] && !resolved_[i] && out_.states[i] == BillState::open && ledger_.reserved(ask_id(i)) == 0)
          resolve(i, closing, BillState::expired);
    while (first_open_ < resolved_.size() && resolved_[first_open_]) ++first_open_;
  }

  TransferId ask_id(std::size_t i) const {
    return id_of(Purpose::ask, facts_.bills[i].provider_log, facts_.bills[i].billed_at);
  }

  void bill(std::size_t i, std::uint32_t closing, const Heads& heads) {
    const BilledFact& b = facts_.bills[i];
    if (!below(b.billed_at, b.provider_log, heads) || b.provider == b.consumer) return;
    const AccountNumber to = account(b.provider, b.unit), from = account(b.consumer, b.unit);
    if (b.refund) {
      const TransferId id = id_of(Purpose::refund, b.provider_log, b.billed_at);
      if (!ledger_.apply(Transfer{id, Step::move, to, from, b.amount})) {
        out_.states[i] = BillState::over_limit;
        return;
      }
      posted(b, closing, b.amount);
      return resolve(i, closing, BillState::refunded);
    }
    const bool answered = below(b.answered_at, b.consumer_log, heads);
    if (answered) {
      // What was asked between the same two heads needs no reservation: nobody could have seen it.
      const bool seen = asked_[i], held = out_.states[i] == BillState::over_limit;
      const Transfer answer{id_of(Purpose::answer, b.provider_log, b.billed_at), Step::release, 0, 0, 0, ask_id(i)};
      if (b.accepted == 0) {
        if (seen) HZ_ASSERT(ledger_.apply(answer));
        return resolve(i, closing, BillState::disputed);
      }
      // All or none: what is accepted is asked no more, and owed instead. What does not fit under the consumer's limit
      // is held without expiry, since both signed it, and tried again with each closing.
      const TransferId hold = id_of(Purpose::hold, b.provider_log, b.billed_at);
      const Transfer unhold{id_of(Purpose::unhold, b.provider_log, b.billed_at), Step::release, 0, 0, 0, hold};
      const Transfer owe{id_of(Purpose::owe, b.provider_log, b.billed_at), Step::move, from, to, b.accepted};
      const Transfer linked[] = {held ? unhold : answer, owe};
      if (!ledger_.apply(std::span(linked).subspan(held || seen ? 0 : 1))) {
        if (held) return;
        const Transfer wait[] = {answer, {hold, Step::reserve, from + 1, to + 1, b.accepted}};
        HZ_ASSERT(ledger_.apply(std::span(wait).subspan(seen ? 0 : 1)));
        out_.states[i] = BillState::over_limit;
        return;
      }
      posted(b, closing, b.accepted);
      return resolve(i, closing, b.accepted == b.amount ? BillState::accepted : BillState::part_accepted);
    }
    if (!asked_[i]) {
      const Transfer ask{ask_id(i),
                         Step::reserve,
                         from + 1,
                         to + 1,
                         b.amount,
                         {},
                         static_cast<std::int32_t>(closing + answer_closings)};
      HZ_ASSERT(ledger_.apply(ask));
      asked_[i] = true;
    }
    // An answer and a withdrawal that come in one period: what both signed holds.
    if (below(b.withdrawn_at, b.provider_log, heads)) {
      HZ_ASSERT(
          ledger_.apply({id_of(Purpose::answer, b.provider_log, b.billed_at), Step::release, 0, 0, 0, ask_id(i)}));
      resolve(i, closing, BillState::withdrawn);
    }
  }

  void lines(std::int64_t step_micro) {
    for (std::uint32_t unit = 0; unit < units_; ++unit) {
      HZ_ASSERT(ledger_.sum(unit) == 0);
      std::vector<Amount> balances;
      for (std::uint32_t m = 0; m < facts_.members.size(); ++m)
        balances.push_back(ledger_.account(account(m, unit)).balance());
      // The transfers of each closing add up to zero (check(Close)).
      HZ_ASSERT(ledger_.account(clearing(unit)).balance() == 0);
      const std::vector<Amount> steps = largest_remainder(balances, step_micro, 0);
      for (std::uint32_t m = 0; m < facts_.members.size(); ++m) {
        const AccountNumber number = account(m, unit);
        const Account& waiting = ledger_.account(number + 1);
        if (!touched_[number] && waiting.debits_pending == 0 && waiting.credits_pending == 0) continue;
        const Earnings& e = earnings_[number];
        const Amount transfer = steps[m] * step_micro;
        out_.books.accounts.push_back({facts_.members[m], facts_.units[unit], amount_text(e.before),
                                       amount_text(e.earned), amount_text(e.owed), amount_text(balances[m]),
                                       amount_text(transfer), amount_text(balances[m] - transfer),
                                       amount_text(waiting.debits_pending), amount_text(waiting.credits_pending)});
        if (transfer != 0) out_.paid.push_back({m, unit, transfer});
      }
    }
    for (std::size_t i = 0; i < facts_.bills.size(); ++i) {
      const BilledFact& b = facts_.bills[i];
      out_.books.open += !resolved_[i] && below(b.billed_at, b.provider_log, heads_);
    }
    out_.books.entries = hex(entries_.finish());
  }

  const BookFacts& facts_;
  const std::vector<PastClosing>& closings_;
  const Heads& heads_;
  const std::size_t units_;
  Ledger ledger_;
  Settled out_;
  std::vector<bool> resolved_, asked_, touched_;
  std::vector<Earnings> earnings_;
  std::size_t first_open_ = 0;
  crypto::Sha256 entries_;
  std::string line_;
};

}  // namespace

Settled settle(const BookFacts& facts, const std::vector<PastClosing>& closings, const Heads& heads,
               std::int64_t step_micro) {
  return Run(facts, closings, heads).run(step_micro);
}

}  // namespace hz::pool
