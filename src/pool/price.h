// What use costs: posted prices times measured quantities, exactly. Pure.
//
// Multiplying and rounding line by line loses up to a micro-credit each time, and whoever cuts its usage into small
// receipts pays nothing. So the lines of a bill are kept as fractions over one denominator, their sum is rounded once,
// and the micro-credits of the sum go to the lines with the largest remainders.
#pragma once
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/fields.h"
#include "pool/amount.h"

namespace hz::pool {

struct Quantities {
  std::int64_t device_ms = 0, units = 0, bytes = 0;
  bool operator==(const Quantities&) const = default;
  static constexpr auto fields() {
    return rows(row("device_ms", &Quantities::device_ms, "devices held, milliseconds", or_default),
                row("units", &Quantities::units, "tokens of text products, inferences of others", or_default),
                row("bytes", &Quantities::bytes, "bytes of requests and answers", or_default));
  }
};

// 0 to price_micro_max each.
struct Price {
  std::int64_t device_hour_micro = 0, million_units_micro = 0, gigabyte_micro = 0;
  bool operator==(const Price&) const = default;
  static constexpr auto fields() {
    return rows(row("device_hour_micro", &Price::device_hour_micro, "micro-credits for a device an hour", or_default),
                row("million_units_micro", &Price::million_units_micro,
                    "micro-credits for a million tokens or inferences", or_default),
                row("gigabyte_micro", &Price::gigabyte_micro, "micro-credits for 10^9 bytes", or_default));
  }
};
inline constexpr std::int64_t price_micro_max = 1'000'000'000'000'000, quantity_max = 10'000'000'000'000;

// Prices by what is used. Here they are what an owner posted; a market's prices of a period will have the same form.
using PriceVector = std::map<std::string, Price, std::less<>>;

// Errors: pool.price, pool.quantity (out of range).
Result<void> check(const Price& price);
Result<void> check(const Quantities& used);

// A sum of money over this denominator: a device-hour has 3.6 * 10^6 ms, and 9 * 10^9 is the least common multiple of
// that, 10^6 and 10^9.
inline constexpr Amount price_denominator = 9'000'000'000;
Amount exact_cost(const Quantities& used, const Price& price);

// Whole parts of numerators/denominator that add up to `total`: each is the fraction rounded down, and what is missing
// goes to the largest remainders, to the earlier one of two equal ones. `total` lies between the sum of those rounded
// down and that sum plus the number of fractions that are not whole. Numerators may be negative.
std::vector<Amount> largest_remainder(std::span<const Amount> numerators, Amount denominator, Amount total);
// The sum, rounded half up to a whole number.
Amount rounded_sum(std::span<const Amount> numerators, Amount denominator);

}  // namespace hz::pool
