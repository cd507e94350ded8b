#include "pool/amount.h"

#include <fmt/format.h>

#include <algorithm>

namespace hz::pool {

std::string amount_text(Amount amount) {
  if (amount == 0) return "0";
  const bool negative = amount < 0;
  std::string out;
  for (; amount != 0; amount /= 10) {
    const int digit = static_cast<int>(amount % 10);
    out.push_back(static_cast<char>('0' + (digit < 0 ? -digit : digit)));
  }
  if (negative) out.push_back('-');
  std::ranges::reverse(out);
  return out;
}

std::optional<Amount> parse_amount(std::string_view text) {
  const bool negative = text.starts_with('-');
  const std::string_view digits = negative ? text.substr(1) : text;
  if (digits.empty() || digits.size() > 30) return std::nullopt;
  if (digits.front() == '0' && (digits.size() > 1 || negative)) return std::nullopt;
  Amount out = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    out = out * 10 + (c - '0');
  }
  return negative ? -out : out;
}

std::string credits_text(Amount micro) {
  const bool negative = micro < 0;
  const Amount size = negative ? -micro : micro;
  return fmt::format("{}{}.{:06}", negative ? "-" : "", amount_text(size / 1'000'000),
                     static_cast<std::int64_t>(size % 1'000'000));
}

}  // namespace hz::pool
