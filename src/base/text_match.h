// Texts that fit a pattern, and texts that were nearly meant.
#pragma once
#include <cstddef>
#include <string_view>

namespace hz {

// `*` stands for any run of bytes; every other byte of the pattern fits a byte of the text when `fits(pattern, text)`
// says so. Greedy with one point of return: O(pattern * text) at worst and no recursion, because patterns come from
// users and files.
template <class Fits>
constexpr bool glob(std::string_view pattern, std::string_view text, Fits fits) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && fits(pattern[p], text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

// The same where every byte but `*` stands for itself.
constexpr bool glob(std::string_view pattern, std::string_view text) {
  return glob(pattern, text, [](char a, char b) { return a == b; });
}

// Levenshtein distance in bytes, for "did you mean". O(a * b) time, O(b) memory.
std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace hz
