// What parses as a tile path is written back byte for byte.
#include <cstdint>
#include <cstdlib>

#include "log/tile.h"

using namespace hz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  if (const auto tile = log::parse_tile_path(text); tile && log::tile_path(*tile) != text) std::abort();
  return 0;
}
