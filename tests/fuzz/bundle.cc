// Audit bundles come from strangers. What is accepted has one text; checking one never fails in another way than by an
// answer, also when the digest at the end is made to fit.
#include "node/bundle.h"
#include "crypto/hash.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hz;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  if (const auto bundle = node::parse_bundle(text)) HZ_ASSERT(node::format_bundle(*bundle) == text);
  (void)node::check_bundle(text, {});
  constexpr std::size_t last_line = 72;
  if (size < last_line) return 0;
  std::string fits(text.substr(0, size - last_line));
  fits += "sha256 " + hex(crypto::sha256(as_bytes(fits))) + "\n";
  const node::BundleAnswer answer = node::check_bundle(fits, {});
  HZ_ASSERT(answer.holds == answer.failed_reason.empty());
  return 0;
}
