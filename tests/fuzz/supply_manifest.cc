// Product manifests: any bytes are read or refused.
#include <cstdint>
#include <string_view>

#include "supply/product_manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto manifest = hz::supply::parse_product_manifest(text))
    hz::supply::lower_requirement(manifest->id, manifest->requirement, "model:0");
  return 0;
}
