// The chunked coding of an answer that passes (RFC 9112 §7.1), taken off.
//
// Beast's parser can do that too. But it is made for everything, and a streamed event comes when the caches hold what
// others computed meanwhile: then the pages of code it walks through cost more than the bytes. This is one page.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace hz::net {

class ChunkReader {
 public:
  // Reads on and appends what belongs to the body. How many bytes it took: all, or up to the coding's end.
  std::size_t read(std::string_view in, std::string& body);
  bool done() const { return at_ == At::done; }      // the last chunk and its trailer were read
  bool broken() const { return at_ == At::broken; }  // it is not this coding; nothing more is taken

 private:
  enum class At : std::uint8_t { size, size_rest, size_lf, data, data_cr, data_lf, trailer, trailer_lf, done, broken };
  void framing(char c);

  At at_ = At::size;
  bool any_digit_ = false, empty_line_ = true;
  std::uint32_t line_bytes_ = 0;  // of the size's line, or of the whole trailer
  std::uint64_t left_ = 0;        // of the chunk
};

}  // namespace hz::net
