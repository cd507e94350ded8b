// What parses as a witness request is written back byte for byte.
#include <cstdint>
#include <cstdlib>

#include "log/witness.h"

using namespace hz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  if (const auto request = log::parse_add_checkpoint(text); request && log::format_add_checkpoint(*request) != text)
    std::abort();
  return 0;
}
