// What parses as a proof is written back byte for byte, and verifying it never goes wrong.
#include <cstdint>
#include <cstdlib>

#include "log/proof.h"

using namespace hz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  static const log::NoteKey key =
      log::parse_vkey("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k").value();
  if (const auto proof = log::parse_proof(text)) {
    if (log::format_proof(*proof) != text) std::abort();
    (void)log::verify_proof(*proof, key).has_value();
  }
  return 0;
}
