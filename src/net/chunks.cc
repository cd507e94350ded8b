#include "net/chunks.h"

#include <algorithm>

namespace hz::net {
namespace {

constexpr std::uint32_t line_bytes_max = 8u << 10;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

void ChunkReader::framing(char c) {
  if (at_ != At::data_cr && at_ != At::data_lf && ++line_bytes_ > line_bytes_max) {
    at_ = At::broken;
    return;
  }
  switch (at_) {
    case At::size:
      if (const int digit = hex_digit(c); digit >= 0) {
        any_digit_ = true;
        if (left_ >> 58 != 0)
          at_ = At::broken;
        else
          left_ = left_ << 4 | static_cast<std::uint64_t>(digit);
        return;
      }
      at_ = !any_digit_                         ? At::broken
            : c == '\r'                         ? At::size_lf
            : c == ';' || c == ' ' || c == '\t' ? At::size_rest
                                                : At::broken;
      return;
    case At::size_rest:  // an extension, which nobody here knows
      if (c == '\r') at_ = At::size_lf;
      if (c == '\n') at_ = At::broken;
      return;
    case At::size_lf:
      line_bytes_ = 0;
      any_digit_ = false;
      empty_line_ = true;
      at_ = c != '\n' ? At::broken : left_ > 0 ? At::data : At::trailer;
      return;
    case At::data_cr:
      at_ = c == '\r' ? At::data_lf : At::broken;
      return;
    case At::data_lf:
      at_ = c == '\n' ? At::size : At::broken;
      return;
    case At::trailer:  // dropped
      if (c == '\r') {
        at_ = At::trailer_lf;
      } else {
        empty_line_ = false;
        if (c == '\n') at_ = At::broken;
      }
      return;
    case At::trailer_lf:
      at_ = c != '\n' ? At::broken : empty_line_ ? At::done : At::trailer;
      empty_line_ = true;
      return;
    case At::data:
    case At::done:
    case At::broken:
      return;
  }
}

std::size_t ChunkReader::read(std::string_view in, std::string& body) {
  std::size_t taken = 0;
  while (taken < in.size() && !done() && !broken()) {
    if (at_ != At::data) {
      framing(in[taken++]);
      continue;
    }
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, in.size() - taken));
    body.append(in, taken, n);
    taken += n;
    left_ -= n;
    if (left_ == 0) at_ = At::data_cr;
  }
  return taken;
}

}  // namespace hz::net
