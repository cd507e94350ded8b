// Licence expressions come in other members' statements. One that parses writes a text that parses to the same, and the
// text is a fixed point; the licence table has an answer for it.
#include "share/spdx.h"

#include "base/bytes.h"
#include "share/licence_terms.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hz;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = share::Spdx::parse(text);
  if (!parsed) return 0;
  const std::string written = parsed->format();
  if (written.size() > share::spdx_size_bytes_max) return 0;  // a text may do without the spaces around parentheses
  const auto again = share::Spdx::parse(written);
  HZ_ASSERT(again && *again == *parsed && again->format() == written);
  HZ_ASSERT(share::may_derive(*parsed) != share::Permission::yes || share::may_copy(*parsed) == share::Permission::yes);
  return 0;
}
