// Age files come from strangers. A header that parses has one text; an opened file is one that age_encrypt could have
// made: its size says so. The key that opens the corpus is the one with every byte 0x42.
#include "crypto/age.h"

#include <algorithm>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hz;
  const ByteView file{data, size};
  const auto parsed = crypto::parse_age_header(file);
  if (!parsed) return 0;
  HZ_ASSERT(std::ranges::equal(as_bytes(parsed->header.text()), file.first(parsed->size)));
  static const auto identity =
      crypto::AgeIdentity::parse("AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX").value();
  constexpr std::size_t limit = 1 << 20;
  const auto plain = crypto::age_decrypt(identity, file, limit);
  if (plain) HZ_ASSERT(plain->size() < file.size() && plain->size() <= limit);
  return 0;
}
