#include "log/decimal.h"

namespace hz::log {

std::optional<std::uint64_t> parse_decimal(std::string_view text) {
  if (text.empty() || text.size() > 19 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');  // 19 digits stay below 2^64
  }
  if (value > INT64_MAX) return std::nullopt;
  return value;
}

}  // namespace hz::log
