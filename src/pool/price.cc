#include "pool/price.h"

#include <algorithm>
#include <numeric>

#include "pool/reasons.h"

namespace hz::pool {
namespace {

Amount floor_div(Amount a, Amount b) { return a / b - (a % b < 0 ? 1 : 0); }

}  // namespace

Result<void> check(const Price& price) {
  for (const std::int64_t n : {price.device_hour_micro, price.million_units_micro, price.gigabyte_micro})
    if (n < 0 || n > price_micro_max) return fail(why("pool.price"), "{}, 0 to {}", n, price_micro_max);
  return {};
}

Result<void> check(const Quantities& used) {
  for (const std::int64_t n : {used.device_ms, used.units, used.bytes})
    if (n < 0 || n > quantity_max) return fail(why("pool.quantity"), "{}, 0 to {}", n, quantity_max);
  return {};
}

Amount exact_cost(const Quantities& used, const Price& price) {
  static_assert(price_denominator % 3'600'000 == 0 && price_denominator % 1'000'000'000 == 0);
  return Amount{used.device_ms} * price.device_hour_micro * (price_denominator / 3'600'000) +
         Amount{used.units} * price.million_units_micro * (price_denominator / 1'000'000) +
         Amount{used.bytes} * price.gigabyte_micro * (price_denominator / 1'000'000'000);
}

std::vector<Amount> largest_remainder(std::span<const Amount> numerators, Amount denominator, Amount total) {
  std::vector<Amount> out;
  out.reserve(numerators.size());
  Amount missing = total;
  for (const Amount n : numerators) {
    out.push_back(floor_div(n, denominator));
    missing -= out.back();
  }
  if (missing == 0) return out;
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < numerators.size(); ++i)
    if (numerators[i] != out[i] * denominator) order.push_back(i);
  HZ_ASSERT(missing > 0 && missing <= static_cast<Amount>(order.size()));
  const auto remainder = [&](std::size_t i) { return numerators[i] - out[i] * denominator; };
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    const Amount first = remainder(a), second = remainder(b);
    return first != second ? first > second : a < b;
  });
  for (std::size_t k = 0; k < static_cast<std::size_t>(missing); ++k) ++out[order[k]];
  return out;
}

Amount rounded_sum(std::span<const Amount> numerators, Amount denominator) {
  const Amount sum = std::accumulate(numerators.begin(), numerators.end(), Amount{0});
  return floor_div(2 * sum + denominator, 2 * denominator);
}

}  // namespace hz::pool
