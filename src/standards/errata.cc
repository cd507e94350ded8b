#include "standards/errata.h"

#include "base/text_match.h"
#include "crypto/hash.h"
#include "standards/errata_onnx_1_12.h"
#include "standards/reasons.h"

namespace hz::standards {
namespace {

constexpr std::size_t entries_max = 4096;

struct File {
  std::string format, suite, about;
  std::vector<Erratum> entries;
  static constexpr auto fields() {
    return rows(row("format", &File::format, "hezong-errata/1"), row("suite", &File::suite, "the suite it is about"),
                row("about", &File::about, "for readers", or_default), row("entries", &File::entries, "the defects"));
  }
};

}  // namespace

const Erratum* Errata::find(std::string_view case_name) const {
  for (const Erratum& entry : entries)
    if (glob(entry.cases, case_name)) return &entry;
  return nullptr;
}

Result<Errata> parse_errata(std::string_view text) {
  const json::Value document = HZ_TRY(json::parse(text, {.size_bytes_max = 1 << 20, .depth_max = 8}));
  File file = HZ_TRY(from_json<File>(document));
  if (file.format != "hezong-errata/1")
    return fail(why("standards.errata"), "format is {}, not hezong-errata/1", file.format);
  if (file.entries.size() > entries_max)
    return fail(why("standards.errata"), "{} entries, at most {}", file.entries.size(), entries_max);
  for (std::size_t i = 0; i < file.entries.size(); ++i) {
    const Erratum& entry = file.entries[i];
    const auto refuse = [&](std::string_view what) {
      return fail(why("standards.errata"), "$.entries[{}] ({}): {}", i, entry.cases, what);
    };
    if (entry.cases.empty() || entry.cases == "*" || entry.cases == "*/*") return refuse("would waive everything");
    if (entry.reason.empty()) return refuse("has no reason");
    if (entry.repair.has_value() != (entry.cls == ErratumClass::encoding))
      return refuse("class encoding needs a repair, and no other class has one");
  }
  return Errata{std::move(file.suite), std::move(file.entries), hex(crypto::sha256(as_bytes(text)))};
}

const Errata& builtin_errata() {
  static const Errata errata = [] {
    auto parsed = parse_errata(embedded::errata_onnx_1_12);
    HZ_ASSERT(parsed.has_value());
    return *std::move(parsed);
  }();
  return errata;
}

}  // namespace hz::standards
