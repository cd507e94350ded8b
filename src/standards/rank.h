// Which class a row of logits prefers, and whether it prefers it by enough to count.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "standards/tolerance.h"

namespace hz::standards {

// The first of the largest; n > 0.
inline std::size_t argmax(const float* row, std::size_t n) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < n; ++i)
    if (row[i] > row[best]) best = i;
  return best;
}

// The reference prefers its first class by less than two answers within tolerance may differ.
inline bool is_tie(const float* row, std::size_t n, std::size_t best, double peak, Tolerance t) {
  if (n < 2) return true;
  double second = -std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < n; ++i)
    if (i != best) second = std::max(second, double{row[i]});
  const double allowed_best = t.rtol * std::fabs(double{row[best]}) + t.c * peak,
               allowed_second = t.rtol * std::fabs(second) + t.c * peak;
  return double{row[best]} - second <= allowed_best + allowed_second;
}

}  // namespace hz::standards
