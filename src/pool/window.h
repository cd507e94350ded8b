// The window of an offer as people write it.
#pragma once
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace hz::pool {

// "FROM..UNTIL", ms since 1970. FROM is `now` or a time, UNTIL a time or +N and one of s, m, h, d: so long after FROM.
// A time looks like 2026-12-31T00:00:00Z. Errors: pool.lease_window.
Result<std::pair<std::int64_t, std::int64_t>> parse_window(std::string_view text, std::int64_t now_ms);

}  // namespace hz::pool
