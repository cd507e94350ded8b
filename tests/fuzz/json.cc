// JSON of the outside world: what is read has one text, and that text reads as the same value.
#include "base/json.h"

#include "base/result.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hz;
  const auto value =
      json::parse({reinterpret_cast<const char*>(data), size}, {.size_bytes_max = 1 << 20, .depth_max = 32});
  if (!value) return 0;
  const std::string text = json::dump(*value);
  const auto again = json::parse(text);
  HZ_ASSERT(again && json::dump(*again) == text);
  HZ_ASSERT(json::dump(json::parse(json::pretty(*value)).value()) == text);
  return 0;
}
