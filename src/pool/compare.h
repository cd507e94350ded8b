// A bill beside the consumer's own meter. Pure.
#pragma once
#include <array>
#include <map>
#include <string>
#include <vector>

#include "pool/measure.h"

namespace hz::pool {

// How far a provider's figure may be above the consumer's own before it is a mismatch: clocks and the moment of reading
// differ. A figure below is in the consumer's favour.
struct Tolerance {
  std::int64_t permille = 10;                                    // of the own figure
  std::int64_t device_ms = 5'000, units = 10, bytes = 64 << 10;  // and this much on top
};

// matched: no more than was measured, at the agreed price. over: more. price: another price than was agreed.
// unmeasured: this member has no figure of its own to compare with. broken: the bill contradicts itself.
enum class Match : std::uint8_t { matched, over, price, unmeasured, broken };
constexpr auto enum_names(Match) {
  return std::array<EnumName<Match>, 5>{{{Match::matched, "matched"},
                                         {Match::over, "over"},
                                         {Match::price, "price"},
                                         {Match::unmeasured, "unmeasured"},
                                         {Match::broken, "broken"}}};
}

struct ComparedReceipt {
  std::int64_t place = 0;
  Receipt receipt;
  Match match = Match::matched;
  Quantities own;  // what is left of the own total for it
  std::string cause;
  static constexpr auto fields() {
    return rows(row("place", &ComparedReceipt::place, "position in the bill, from 0"),
                row("receipt", &ComparedReceipt::receipt, "as the provider says"),
                row("match", &ComparedReceipt::match, "matched, over, price, unmeasured or broken"),
                row("own", &ComparedReceipt::own, "own figure for it"),
                row("cause", &ComparedReceipt::cause, "what differs"));
  }
};

// `measured`: own totals for this provider. `accepted`: what was accepted from it before. `prices`: posted ones.
std::vector<ComparedReceipt> compare(const Bill& bill, const Receipts& receipts, const std::vector<Measured>& measured,
                                     const BySubject& accepted, const PriceVector& prices, const Tolerance& tolerance);

// The worst of them: what has to be done about the bill.
Match worst(const std::vector<ComparedReceipt>& compared);

}  // namespace hz::pool
