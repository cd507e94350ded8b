// The one text of a number in every log format: ASCII digits, no sign, no leading zero, at most 2^63 - 1.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace hz::log {

std::optional<std::uint64_t> parse_decimal(std::string_view text);

}  // namespace hz::log
