// How verdicts look for people.
#pragma once
#include "api/op.h"
#include "standards/verdict.h"

namespace hz::standards {

inline std::string paint(Verdict verdict, const api::Style& style) {
  const std::string_view word = enum_text(verdict);
  switch (verdict) {
    case Verdict::strict:
      return style.green(word);
    case Verdict::basic_only:
      return style.yellow(word);
    case Verdict::failed:
      return style.red(word);
    case Verdict::untested:
      return style.dim(word);
  }
  return std::string(word);
}
inline std::string paint(std::string_view word, const api::Style& style) {
  const auto verdict = parse_enum<Verdict>(word);
  return verdict ? paint(*verdict, style) : std::string(word);
}

// 943 of 1000 as "94.3 %".
inline std::string percent(std::int64_t milli) { return fmt::format("{}.{} %", milli / 10, milli % 10); }

}  // namespace hz::standards
