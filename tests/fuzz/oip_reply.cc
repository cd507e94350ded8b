// Answers of foreign inference servers: the first two bytes say where the JSON ends.
#include "standards/oip_session.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t head = data[0] | std::size_t{data[1]} << 8;
  (void)hz::standards::oip::decode_infer({data + 2, size - 2}, head);
  (void)hz::standards::oip::decode_infer({data + 2, size - 2}, std::nullopt);
  return 0;
}
