// A frame that decodes encodes to the same bytes; so does its DSSE envelope, when it has one.
#include "statement/leaf.h"

#include <algorithm>

#include "statement/envelope.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hz;
  const ByteView bytes{data, size};
  const auto leaf = statement::decode_leaf(bytes);
  if (!leaf) return 0;
  HZ_ASSERT(std::ranges::equal(statement::encode_leaf(leaf->signatures(), leaf->payload).value(), bytes));
  const auto envelope = statement::envelope(*leaf);
  if (!envelope) return 0;
  const auto all_ed25519 = std::ranges::all_of(
      leaf->signatures(), [](const auto& s) { return s.algorithm == statement::Algorithm::ed25519; });
  if (all_ed25519) HZ_ASSERT(std::ranges::equal(statement::leaf_of_envelope(*envelope).value(), bytes));
  return 0;
}
