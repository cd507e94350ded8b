// The package database: any bytes are read or refused.
#include <cstdint>
#include <string_view>

#include "supply/dpkg.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  hz::supply::parse_dpkg_status(text);
  return 0;
}
