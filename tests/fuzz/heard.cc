// What another member's node says of a server under a lease: shown to people, kept in a file.
#include "base/bytes.h"
#include "pool/lending.h"
#include "pool/rules.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hz;
  const auto read = pool::read_heard({reinterpret_cast<const char*>(data), size});
  if (!read) return 0;
  HZ_ASSERT(pool::is_claim_id(read->lease));
  for (const char c : read->observed.detail) HZ_ASSERT(static_cast<unsigned char>(c) >= 0x20 || c == '\n');
  return 0;
}
