// Proposals to change keys travel between machines. What is accepted has one text and gives a statement of a key kind.
#include "alliance/key_proposal.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hz;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto proposal = alliance::parse_proposal(text);
  if (!proposal) return 0;
  HZ_ASSERT(alliance::format_proposal(*proposal) == text);
  HZ_ASSERT(alliance::read_proposal(*proposal)->role == "root");
  (void)alliance::leaf_of(*proposal);
  return 0;
}
