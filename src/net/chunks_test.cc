#include "net/chunks.h"

#include <doctest/doctest.h>

using namespace hz::net;

namespace {

struct Read {
  std::string body;
  std::size_t taken = 0;
  bool done = false, broken = false;
  bool operator==(const Read&) const = default;
};
// In pieces of this many bytes.
Read read(std::string_view all, std::size_t piece) {
  ChunkReader reader;
  Read out;
  for (std::size_t at = 0; at < all.size(); at += piece) {
    const std::string_view in = all.substr(at, piece);
    const std::size_t n = reader.read(in, out.body);
    out.taken += n;
    if (n < in.size()) break;
  }
  out.done = reader.done();
  out.broken = reader.broken();
  return out;
}
// However it is cut, it reads the same.
Read read(std::string_view all) {
  const Read whole = read(all, all.size());
  for (const std::size_t piece : {1, 2, 3, 7}) CHECK(read(all, piece) == whole);
  return whole;
}

}  // namespace

TEST_CASE("chunks: bodies are put together, and what follows the last chunk is left alone") {
  const Read seen = read("4\r\nWiki\r\n5;a=\"b\"\r\npedia\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n");
  CHECK(seen == Read{"Wikipedia", 30, true, false});
  CHECK(read("1A\r\nabcdefghijklmnopqrstuvwxyz\r\n00\r\n\r\n").body == "abcdefghijklmnopqrstuvwxyz");
  CHECK(read("2 \r\nab\r\n0\r\nexpires: never\r\nx: y\r\n\r\n") == Read{"ab", 35, true, false});
  CHECK(read("3\r\nab") == Read{"ab", 5, false, false});
  CHECK(read("2\r\n\r\n\r\n0\r\n\r\n").body == "\r\n");
}

TEST_CASE("chunks: what is not that coding is broken") {
  for (const std::string_view text :
       {"\r\n", "x\r\n", "-1\r\na\r\n", "1\na\r\n", "1\r\nab\r\n", "1\r\na\n", "0x1\r\na\r\n", "1\rX", "0\r\n\n",
        "0\r\na: b\n\r\n", "1;x\ny\r\na\r\n", "40000000000000000\r\n"}) {
    CAPTURE(text);
    CHECK(read(text).broken);
  }
  CHECK(read("1;" + std::string(9'000, 'x')).broken);
  CHECK(read("0\r\n" + std::string(9'000, 'x')).broken);
  CHECK(read("0\r\n" +
             [] {
               std::string lines;
               for (int i = 0; i < 3'000; ++i) lines += "a:b\r\n";
               return lines;
             }())
            .broken);
}
