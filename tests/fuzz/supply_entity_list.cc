// Entity lists: any bytes are read or refused.
#include <cstdint>
#include <string_view>

#include "supply/entity_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto list = hz::supply::parse_entity_list(text)) hz::supply::split_entity_list(*list, 2048);
  return 0;
}
