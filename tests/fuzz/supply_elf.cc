// ELF libraries: any bytes are read or refused, never outside the file.
#include <cstdint>
#include <string_view>

#include "supply/elf.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  hz::supply::parse_elf(hz::as_bytes(text));
  return 0;
}
