// Disclosures come from strangers: what parses has one text, and the check of it ends whatever its root.
#include "statement/field_tree.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hz;
  const std::string_view text = as_text({data, size});
  const auto disclosure = statement::parse_disclosure(text);
  if (!disclosure) return 0;
  HZ_ASSERT(statement::format_disclosure(*disclosure).value() == text);
  (void)statement::check_disclosure(*disclosure, Digest{});
  return 0;
}
