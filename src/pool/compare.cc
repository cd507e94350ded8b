#include "pool/compare.h"

#include <algorithm>

namespace hz::pool {
namespace {

bool within(std::int64_t said, std::int64_t own, std::int64_t permille, std::int64_t more) {
  return Amount{said} <= Amount{own} + Amount{own} * permille / 1000 + more;
}

// What is left of an own figure: the total less what was accepted and what this bill asked for already. Of a shared one
// everything that shares it is taken off.
class Left {
 public:
  Left(const std::vector<Measured>& measured, const BySubject& accepted) {
    for (const Measured& m : measured)
      if (const auto before = accepted.find({m.subject, m.what}); before != accepted.end()) take(m, before->second);
  }
  void take(const Measured& m, const Quantities& used) {
    Quantities& shared = taken_[pot(m)];
    shared.units += used.units;
    shared.bytes += used.bytes;
    device_ms_[{m.subject, m.what}] += used.device_ms;
  }
  Quantities of(const Measured& m) {
    const Quantities& shared = taken_[pot(m)];
    const auto rest = [](std::int64_t all, std::int64_t gone) { return std::max<std::int64_t>(0, all - gone); };
    return {rest(m.used.device_ms, device_ms_[{m.subject, m.what}]), rest(m.used.units, shared.units),
            rest(m.used.bytes, shared.bytes)};
  }

 private:
  static std::pair<std::string, std::string> pot(const Measured& m) {
    return m.shared.empty() ? std::pair(m.subject, m.what) : std::pair(m.shared, std::string());
  }
  std::map<std::pair<std::string, std::string>, Quantities> taken_;
  std::map<std::pair<std::string, std::string>, std::int64_t> device_ms_;
};

}  // namespace

std::vector<ComparedReceipt> compare(const Bill& bill, const Receipts& receipts, const std::vector<Measured>& measured,
                                     const BySubject& accepted, const PriceVector& prices, const Tolerance& tolerance) {
  std::vector<ComparedReceipt> out;
  const auto together = check_together(bill, receipts);
  Left left(measured, accepted);
  for (std::size_t i = 0; i < receipts.receipts.size(); ++i) {
    const Receipt& r = receipts.receipts[i];
    ComparedReceipt c{static_cast<std::int64_t>(i), r, Match::matched, {}, ""};
    const auto say = [&](Match match, std::string cause) {
      c.match = match;
      c.cause = std::move(cause);
    };
    const auto own = std::ranges::find_if(
        measured, [&](const Measured& m) { return m.subject == r.subject && m.what == r.what; });
    std::optional<Price> agreed = own != measured.end() ? own->price : std::nullopt;
    if (const auto posted = prices.find(r.what); !agreed && posted != prices.end()) agreed = posted->second;
    if (own != measured.end()) {
      c.own = left.of(*own);
      left.take(*own, r.used);
    }
    if (!together)
      say(Match::broken, together.error().detail);
    else if (agreed && *agreed != r.price)
      say(Match::price, fmt::format("agreed were {} a device-hour, {} a million units and {} a gigabyte",
                                    agreed->device_hour_micro, agreed->million_units_micro, agreed->gigabyte_micro));
    else if (own == measured.end())
      say(Match::unmeasured, "this member did not measure it");
    else if (!agreed)
      say(Match::price, "no price was posted");
    else if (!within(r.used.device_ms, c.own.device_ms, tolerance.permille, tolerance.device_ms))
      say(Match::over, fmt::format("{} device-ms, measured {}", r.used.device_ms, c.own.device_ms));
    // What costs nothing may differ.
    else if (r.price.million_units_micro > 0 && !within(r.used.units, c.own.units, tolerance.permille, tolerance.units))
      say(Match::over, fmt::format("{} units, measured {}", r.used.units, c.own.units));
    else if (r.price.gigabyte_micro > 0 && !within(r.used.bytes, c.own.bytes, tolerance.permille, tolerance.bytes))
      say(Match::over, fmt::format("{} bytes, measured {}", r.used.bytes, c.own.bytes));
    out.push_back(std::move(c));
  }
  return out;
}

Match worst(const std::vector<ComparedReceipt>& compared) {
  Match out = Match::matched;
  for (const ComparedReceipt& c : compared) out = std::max(out, c.match);
  return out;
}

}  // namespace hz::pool
