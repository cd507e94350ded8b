// The meter's file is read after crashes and from copies. What is accepted counts each claim once, and the part that is
// whole reads the same again.
#include "pool/meter.h"

#include <set>

#include "base/bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hz;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto file = pool::read_meter(text);
  if (!file) return 0;
  HZ_ASSERT(file->good_bytes <= size && file->torn == (file->good_bytes < size));
  std::set<std::string_view> claims;
  for (const pool::Metered& m : file->requests) HZ_ASSERT(claims.insert(m.begin.claim).second);
  std::int64_t counted = 0;
  for (const pool::Usage& u : pool::usage_of(file->requests)) {
    HZ_ASSERT(u.requests == u.whole + u.refused + u.cut + u.client_gone + u.node_died);
    counted += u.requests;
  }
  HZ_ASSERT(counted == static_cast<std::int64_t>(file->requests.size()));
  const auto again = pool::read_meter(text.substr(0, file->good_bytes));
  HZ_ASSERT(again && !again->torn && again->requests.size() == file->requests.size());
  return 0;
}
