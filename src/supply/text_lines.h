// Walking over the lines of a text without copying it.
#pragma once
#include <string_view>

namespace hz::supply {

// Calls each(line, number) with the line's text without its end; numbers count from 1.
template <class F>
void each_line(std::string_view text, F&& each) {
  int number = 1;
  while (!text.empty()) {
    const auto end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    each(line, number++);
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

inline std::string_view trimmed(std::string_view text) {
  constexpr std::string_view space = " \t\r\n";
  const auto start = text.find_first_not_of(space);
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(space) - start + 1);
}

// True when some line starts with `start` after white space.
inline bool has_line_starting(std::string_view text, std::string_view start) {
  bool found = false;
  each_line(text, [&](std::string_view line, int) { found = found || trimmed(line).starts_with(start); });
  return found;
}

}  // namespace hz::supply
