// The pull reader's skip() accepts exactly the texts that base/json accepts, repeated keys and number ranges aside.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/bytes.h"
#include "base/json.h"
#include "supply/json_pull.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (!hz::valid_utf8(text)) return 0;
  hz::supply::JsonPull in(text, 64);
  in.skip();
  const bool skipped = in.finish().has_value();
  // One way only: repeated keys, lone surrogates and numbers out of range are for readers, not for skipping.
  if (hz::json::parse(text, {.size_bytes_max = 64u << 20, .depth_max = 62}) && !skipped) std::abort();
  return 0;
}
