// An envelope that is accepted is the one envelope of its leaf.
#include "statement/envelope.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hz;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto leaf = statement::leaf_of_envelope(text);
  if (leaf) HZ_ASSERT(statement::envelope(statement::decode_leaf(*leaf).value()).value() == text);
  return 0;
}
