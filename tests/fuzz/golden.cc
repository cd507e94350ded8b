// Golden sets come from product owners' files.
#include "standards/golden.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto golden = hz::standards::decode_golden({data, size}, {.expanded_bytes_max = 1u << 24});
  if (golden) {
    HZ_ASSERT(golden->reference.size() == golden->cases * golden->classes.size());
    (void)hz::standards::judge_golden(*golden, golden->reference, 500, false);
    (void)golden->batch(golden->cases - 1, 1);
  }
  return 0;
}
