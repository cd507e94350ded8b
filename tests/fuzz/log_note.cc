// What parses as a signed note is written back byte for byte.
#include <cstdint>
#include <cstdlib>

#include "log/note.h"

using namespace hz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  if (const auto note = log::parse_note(text); note && log::format_note(*note) != text) std::abort();
  return 0;
}
