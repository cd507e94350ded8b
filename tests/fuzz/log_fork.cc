// What parses as fork evidence is written back byte for byte, and verifying it never goes wrong.
#include <cstdint>
#include <cstdlib>

#include "log/fork.h"

using namespace hz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  static const log::NoteKey key =
      log::parse_vkey("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k").value();
  if (const auto fork = log::parse_fork(text)) {
    if (log::format_fork(*fork) != text) std::abort();
    (void)log::verify_fork(*fork, key).has_value();
  }
  return 0;
}
