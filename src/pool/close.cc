#include "pool/close.h"

#include <map>

#include "pool/reasons.h"
#include "pool/receipt.h"
#include "statement/ids.h"

namespace hz::pool {

Result<void> check(const Close& c) {
  HZ_TRY(alliance::check(c.closing));
  if (c.closing.what != settlement) return fail(why("pool.close"), "\"{}\" is no settlement", c.closing.what);
  if (!is_period(c.closing.of)) return fail(why("pool.period"), "\"{}\"", c.closing.of);
  if (!c.previous.empty() && !statement::is_sha256(c.previous))
    return fail(why("pool.close"), "{}: the closing before", c.closing.of);
  if (c.step_micro < 1 || c.step_micro > step_micro_max)
    return fail(why("pool.close"), "{}: a step of {}", c.closing.of, c.step_micro);
  std::map<std::string, Amount> sums;
  for (std::size_t i = 0; i < c.transfers.size(); ++i) {
    const NettedTransfer& t = c.transfers[i];
    const auto amount = parse_amount(t.amount_micro);
    if (!amount || *amount == 0 || *amount % c.step_micro != 0)
      return fail(why("pool.close"), "{}: {} {}", c.closing.of, t.member, t.amount_micro);
    if (!statement::is_shown_name(t.member) || !is_money_unit(t.unit) || *amount > Ledger::transfer_max ||
        *amount < -Ledger::transfer_max)
      return fail(why("pool.close"), "{}: a transfer of \"{}\"", c.closing.of, t.member);
    if (i > 0 && std::tie(c.transfers[i - 1].unit, c.transfers[i - 1].member) >= std::tie(t.unit, t.member))
      return fail(why("pool.close"), "{}: {} is not in order, or twice", c.closing.of, t.member);
    sums[t.unit] += *amount;
  }
  for (const auto& [unit, sum] : sums)
    if (sum != 0)
      return fail(why("pool.close"), "{}: transfers in {} add up to {}", c.closing.of, unit, amount_text(sum));
  return {};
}

Result<void> check(const CloseSigned& said) {
  if (!statement::is_sha256(said.close) || !statement::is_sha256(said.result))
    return fail(why("pool.close"), "no closing is named");
  return {};
}

Result<void> check(const Limit& l) {
  if (!statement::is_shown_name(l.member) || !is_money_unit(l.unit) || l.overdraft_micro < 0 ||
      l.overdraft_micro > bill_micro_max)
    return fail(why("pool.limit"), "{} {} of \"{}\"", l.overdraft_micro, l.unit, l.member);
  return {};
}

std::vector<NettedTransfer> transfers_of(const BookFacts& facts, const std::vector<PaidFact>& paid) {
  std::vector<NettedTransfer> out;
  for (const PaidFact& p : paid) out.push_back({facts.members[p.member], facts.units[p.unit], amount_text(p.amount)});
  return out;
}

}  // namespace hz::pool
