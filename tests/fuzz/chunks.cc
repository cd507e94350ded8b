// An upstream's chunked answer: it reads the same however it is cut, and makes no more than came.
#include "net/chunks.h"
#include "base/bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hz;
  if (size == 0) return 0;
  const std::string_view all(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t piece = std::size_t{1} + data[0];
  net::ChunkReader whole, cut;
  std::string body, pieces;
  const std::size_t taken = whole.read(all, body);
  std::size_t at = 0;
  while (at < all.size()) {
    const std::string_view in = all.substr(at, piece);
    const std::size_t n = cut.read(in, pieces);
    at += n;
    if (n < in.size()) break;
  }
  HZ_ASSERT(at == taken && pieces == body && cut.done() == whole.done() && cut.broken() == whole.broken());
  HZ_ASSERT(body.size() <= taken && (taken == all.size() || whole.done() || whole.broken()));
  return 0;
}
