// The one-pass check against the slow way: parse, write again, compare.
#include "statement/canonical.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hz;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const bool checked = statement::check_canonical(text).has_value();
  const auto parsed = statement::parse_canonical(text);
  HZ_ASSERT(checked == parsed.has_value());
  const auto loose = json::parse(text);
  const auto written = loose ? statement::canonical(*loose) : fail(why("base.utf8"), "not JSON");
  HZ_ASSERT(checked == (written && *written == text));
  if (parsed) HZ_ASSERT(statement::canonical(*parsed).value() == text);
  return 0;
}
