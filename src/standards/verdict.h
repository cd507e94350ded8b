// From cases to verdicts: what a backend's answers are worth, per operator and per model. Pure.
//
// Support is not correctness: one wrong answer outranks any number of passes, because nobody can tell in production
// which kind of input it will meet. An honest refusal is never held against a backend; it only limits what is proven.
#pragma once
#include "standards/runner.h"

namespace hz::standards {

enum class Verdict : std::uint8_t {
  strict,      // every judged case passes, model and inputs as given, dtype and shape exact
  basic_only,  // at least one case passes, none is wrong, and some are refused, flaky or pass only after a repair
  failed,      // a wrong answer, a crash, a hang or garbage
  untested,    // nothing passes and nothing is wrong: refused, waived or never tried
};
constexpr auto enum_names(Verdict) {
  return std::array<EnumName<Verdict>, 4>{{{Verdict::strict, "STRICT"},
                                           {Verdict::basic_only, "BASIC_ONLY"},
                                           {Verdict::failed, "FAILED"},
                                           {Verdict::untested, "UNTESTED"}}};
}

struct OperatorVerdict {
  OperatorKey key;
  Verdict verdict = Verdict::untested;
  int cases = 0;      // judged or refused; waived and inexpressible ones are left out
  int passed = 0;     // as given
  int repaired = 0;   // after a repair
  std::string worst;  // "node/test_x: ..." of the most damning case, else of the first refusal; "" when STRICT
};

// One row per operator key, sorted; cases without a key are left out. O(cases log cases).
std::vector<OperatorVerdict> judge_operators(const Suite& suite, const Run& run);

}  // namespace hz::standards
