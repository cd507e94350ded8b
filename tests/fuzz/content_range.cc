// Both sides of a range: what a server makes of a request's, and what a fetcher believes of an answer's. A part that a
// server chooses is within the bytes, and the answer it writes says the same to the fetcher.
#include "net/range.h"

#include "base/bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hz;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto said = net::parse_content_range(text))
    HZ_ASSERT(said->first <= said->last && said->last < said->total);
  for (const std::uint64_t total : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1000}, UINT64_MAX}) {
    const net::Range range = net::parse_range(text, total);
    if (range.kind != net::Range::Kind::part) continue;
    HZ_ASSERT(range.length > 0 && range.offset < total && range.length <= total - range.offset);
    const auto said =
        net::parse_content_range(fmt::format("bytes {}-{}/{}", range.offset, range.offset + range.length - 1, total));
    HZ_ASSERT(said && said->first == range.offset && said->last - said->first + 1 == range.length);
  }
  return 0;
}
