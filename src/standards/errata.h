// Known defects of a test suite, as data: which cases do not mean what they say, and what follows from that.
//
// An erratum never turns a wrong answer into a pass. It either repairs the test data (class encoding), or takes the
// value out of the judgement (the others): such a case is `waived`, for nobody and against nobody. Dtype and shape are
// always judged. The digest of the list stands in every result, so that a changed list is a different result.
#pragma once
#include <array>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/fields.h"

namespace hz::standards {

enum class ErratumClass : std::uint8_t {
  random,      // the operator draws at random: the value is never judged
  encoding,    // the data is stored in the wrong type: repaired before use
  formatting,  // the text form is not specified: a different text is waived
  disputed,    // the expected values are contested: a different value is waived
};
constexpr auto enum_names(ErratumClass) {
  return std::array<EnumName<ErratumClass>, 4>{{{ErratumClass::random, "random"},
                                                {ErratumClass::encoding, "encoding"},
                                                {ErratumClass::formatting, "formatting"},
                                                {ErratumClass::disputed, "disputed"}}};
}
enum class Repair : std::uint8_t { uint16_is_bfloat16 };
constexpr auto enum_names(Repair) {
  return std::array<EnumName<Repair>, 1>{{{Repair::uint16_is_bfloat16, "uint16_is_bfloat16"}}};
}

struct Erratum {
  std::string cases;  // pattern over <kind>/<case>
  ErratumClass cls = ErratumClass::disputed;
  std::optional<Repair> repair;
  std::string reason;
  static constexpr auto fields() {
    return rows(row("cases", &Erratum::cases, "pattern over <kind>/<case>, * for any text"),
                row("class", &Erratum::cls, "what kind of defect"),
                row("repair", &Erratum::repair, "how the data is repaired before use"),
                row("reason", &Erratum::reason, "why, in one sentence"));
  }
};

struct Errata {
  std::string suite;
  std::vector<Erratum> entries;
  std::string digest;  // SHA-256 of the list's bytes, hex
  // The first entry that names the case; null when none does. O(entries).
  const Erratum* find(std::string_view case_name) const;
};

// At most 1 MiB and 4,096 entries. Errors: standards.errata (with the entry), base.json_*.
Result<Errata> parse_errata(std::string_view text);
// The list this program was built with (spec/errata/onnx-1.12.json).
const Errata& builtin_errata();

}  // namespace hz::standards
