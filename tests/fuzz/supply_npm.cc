// npm lock files and packages: any bytes are read or refused.
#include <cstdint>
#include <string_view>

#include "supply/npm.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto lock = hz::supply::parse_npm_lock(text)) hz::supply::npm_facts(*lock, *lock);
  hz::supply::parse_npm_package(text, "node_modules/x");
  return 0;
}
