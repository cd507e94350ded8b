// The first byte is the width; what parses as a bundle is written back byte for byte.
#include <cstdint>
#include <cstdlib>

#include "log/tile.h"

using namespace hz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  Bytes again;
  if (const auto entries = log::parse_bundle({data + 1, size - 1}, data[0])) {
    for (const ByteView entry : *entries) log::put_entry(again, entry);
    if (again != Bytes(data + 1, data + size)) std::abort();
  }
  return 0;
}
