// What known answers were worth: a part of what a drill says.
#pragma once
#include <cstdint>
#include <string>

#include "base/fields.h"

namespace hz::drill {

// Known answers, as far as they were asked for in a step. Shares are of 1000.
struct Answers {
  std::string verdict = {};
  std::string logits = {};  // equal, within tolerance, different
  std::int64_t cases = 0, quality_milli = 0, agreement_milli = 0, top5_milli = 0;
  std::int64_t noise_milli = 0;  // two standard errors of a share of so many cases; 0: the whole set was asked
  bool operator==(const Answers&) const = default;
  static constexpr auto fields() {
    return rows(
        row("verdict", &Answers::verdict, "STRICT, BASIC_ONLY, FAILED or UNTESTED", or_default),
        row("logits", &Answers::logits, "all logits: equal, within tolerance or different", or_default),
        row("cases", &Answers::cases, "golden cases looked at", or_default),
        row("quality_milli", &Answers::quality_milli, "labels met, of 1000", or_default),
        row("agreement_milli", &Answers::agreement_milli, "first class as the reference's, of 1000", or_default),
        row("top5_milli", &Answers::top5_milli, "set of the first five classes as the reference's, of 1000",
            or_default),
        row("noise_milli", &Answers::noise_milli, "two standard errors of such a sample; 0: the whole set",
            or_default));
  }
};

}  // namespace hz::drill
