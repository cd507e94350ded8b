// Money in accounts: integer micro-credits, 128 bits wide where sums are made.
//
// A million bills of a thousand million credits each overflow 64 bits, and SQLite's sum() then fails. One bill fits 63
// bits (bill_micro_max); what adds bills up does not, and is written as decimal text.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hz::pool {

__extension__ typedef __int128 Amount;

inline constexpr std::int64_t bill_micro_max = 1'000'000'000'000'000;  // a thousand million credits

// Decimal, with '-' in front of negative ones; one amount, one text.
std::string amount_text(Amount amount);
// Up to 30 digits, no leading zero, no '+', no "-0".
std::optional<Amount> parse_amount(std::string_view text);
// For people: credits with six digits behind the point, such as "-12.500000".
std::string credits_text(Amount micro);

}  // namespace hz::pool
