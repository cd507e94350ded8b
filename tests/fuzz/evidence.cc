// Evidence files come from strangers. What is accepted has one text, and one changed byte never passes the check.
#include "node/evidence.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hz;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto evidence = node::parse_evidence(text);
  if (!evidence) return 0;
  HZ_ASSERT(node::format_evidence(*evidence) == text);
  (void)node::check_evidence(*evidence);
  return 0;
}
