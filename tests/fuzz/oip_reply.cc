// Answers of foreign inference servers: the first two bytes say where the JSON ends.
#include <cstdlib>

#include "standards/alike.h"
#include "standards/oip_session.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t head = data[0] | std::size_t{data[1]} << 8;
  (void)hz::standards::oip::decode_infer({data + 2, size - 2}, head);
  (void)hz::standards::oip::decode_infer({data + 2, size - 2}, std::nullopt);
  // As the gateway saw it pass: where the JSON ends is for the reader to find.
  if (const auto seen = hz::standards::read_infer_answer({data, size})) {
    const auto same = hz::standards::alike(*seen, *seen);
    if (same.agreeing > same.judged) std::abort();
  }
  return 0;
}
