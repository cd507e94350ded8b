// What parses as a verifier key is written back byte for byte.
#include <cstdint>
#include <cstdlib>

#include "log/note.h"

using namespace hz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  if (const auto key = log::parse_vkey(text); key && log::format_vkey(*key) != text) std::abort();
  return 0;
}
