#include "pool/window.h"

#include <charconv>

#include "alliance/audience.h"
#include "pool/reasons.h"

namespace hz::pool {
namespace {

// -1: no time. The audience class that ends at a time has the one form of it.
std::int64_t time_of(std::string_view text) {
  const auto until = alliance::Audience::parse("sealed-until:" + std::string(text));
  return until ? until->until_ms : -1;
}

// -1: no length of time.
std::int64_t length_of(std::string_view text) {
  constexpr std::int64_t number_max = 1'000'000;
  if (text.size() < 2) return -1;
  const char unit = text.back();
  text.remove_suffix(1);
  std::int64_t number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::int64_t unit_ms = unit == 's'   ? 1'000
                               : unit == 'm' ? 60'000
                               : unit == 'h' ? 3'600'000
                               : unit == 'd' ? 86'400'000
                                             : -1;
  if (error != std::errc() || end != text.data() + text.size() || number < 1 || number > number_max || unit_ms < 0)
    return -1;
  return number * unit_ms;
}

}  // namespace

Result<std::pair<std::int64_t, std::int64_t>> parse_window(std::string_view text, std::int64_t now_ms) {
  const auto refuse = [&] {
    return fail(why("pool.lease_window"), "\"{}\": write now..+8h or FROM..UNTIL as 2026-12-31T00:00:00Z", text);
  };
  const auto dots = text.find("..");
  if (dots == std::string_view::npos) return refuse();
  const std::string_view from = text.substr(0, dots), until = text.substr(dots + 2);
  const std::int64_t from_ms = from == "now" ? now_ms : time_of(from);
  if (from_ms < 0) return refuse();
  const std::int64_t length_ms = until.starts_with('+') ? length_of(until.substr(1)) : -1;
  const std::int64_t until_ms = until.starts_with('+') ? (length_ms < 0 ? -1 : from_ms + length_ms) : time_of(until);
  if (until_ms <= from_ms) return refuse();
  return std::pair(from_ms, until_ms);
}

}  // namespace hz::pool
