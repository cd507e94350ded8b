// Files in serving/ come from whoever runs model servers. What is accepted names a place that can be connected to and
// goes into paths and headers without harm.
#include "pool/serving.h"

#include <algorithm>

#include "base/bytes.h"
#include "pool/rules.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hz;
  const auto read = pool::read_serving({reinterpret_cast<const char*>(data), size});
  if (!read) return 0;
  HZ_ASSERT(pool::is_claim_id(read->claim) && read->port > 0);
  for (const std::string& text : {read->product, read->site, read->backend, read->address, read->model, read->evidence})
    HZ_ASSERT(std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; }));
  return 0;
}
