// What parses as a checkpoint is written back byte for byte.
#include <cstdint>
#include <cstdlib>

#include "log/checkpoint.h"

using namespace hz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  if (const auto checkpoint = log::parse_checkpoint(text); checkpoint && log::format_checkpoint(*checkpoint) != text)
    std::abort();
  return 0;
}
