#include "net/range.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace hz::net {
namespace {

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return n;
}

}  // namespace

Range parse_range(std::string_view value, std::uint64_t size) {
  const Range whole{Range::Kind::whole, 0, size};
  if (!value.starts_with("bytes=")) return whole;
  value.remove_prefix(6);
  const auto dash = value.find('-');
  if (dash == std::string_view::npos || value.find(',') != std::string_view::npos) return whole;
  const std::string_view first = value.substr(0, dash), last = value.substr(dash + 1);
  if (first.empty()) {
    const auto suffix = number(last);
    if (!suffix) return whole;
    if (*suffix == 0 || size == 0) return {Range::Kind::unsatisfiable, 0, 0};
    const std::uint64_t length = std::min(*suffix, size);
    return {Range::Kind::part, size - length, length};
  }
  const auto from = number(first);
  const auto to = last.empty() ? std::optional(UINT64_MAX) : number(last);
  if (!from || !to || *to < *from) return whole;
  if (*from >= size) return {Range::Kind::unsatisfiable, 0, 0};
  return {Range::Kind::part, *from, std::min(*to, size - 1) - *from + 1};
}

}  // namespace hz::net
