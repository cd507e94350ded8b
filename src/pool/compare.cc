#include "pool/compare.h"

#include <algorithm>

namespace hz::pool {
namespace {

bool within(std::int64_t said, std::int64_t own, std::int64_t permille, std::int64_t more) {
  return Amount{said} <= Amount{own} + Amount{own} * permille / 1000 + more;
}

// What is left of an own total after what was accepted.
Quantities left(const Measured& own, const BySubject& accepted) {
  const auto before = accepted.find({own.subject, own.what});
  if (before == accepted.end()) return own.used;
  const auto rest = [](std::int64_t all, std::int64_t gone) { return std::max<std::int64_t>(0, all - gone); };
  return {rest(own.used.device_ms, before->second.device_ms), rest(own.used.units, before->second.units),
          rest(own.used.bytes, before->second.bytes)};
}

}  // namespace

std::vector<ComparedReceipt> compare(const Bill& bill, const Receipts& receipts, const std::vector<Measured>& measured,
                                     const BySubject& accepted, const PriceVector& prices, const Tolerance& tolerance) {
  std::vector<ComparedReceipt> out;
  const auto together = check_together(bill, receipts);
  for (std::size_t i = 0; i < receipts.receipts.size(); ++i) {
    const Receipt& r = receipts.receipts[i];
    ComparedReceipt c{static_cast<std::int64_t>(i), r, Match::matched, {}, ""};
    const auto say = [&](Match match, std::string cause) {
      c.match = match;
      c.cause = std::move(cause);
    };
    const auto own =
        std::ranges::find_if(measured, [&](const Measured& m) { return m.subject == r.subject && m.what == r.what; });
    std::optional<Price> agreed = own != measured.end() ? own->price : std::nullopt;
    if (const auto posted = prices.find(r.what); !agreed && posted != prices.end()) agreed = posted->second;
    if (own != measured.end()) c.own = left(*own, accepted);
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
