// One byte range of RFC 9110 §14: "bytes=100-199", "bytes=100-", "bytes=-50". Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/http.h"

namespace hz::net {

struct Range {
  enum class Kind {
    whole,  // no range, or one that a server may pass over: another unit, several ranges, bad syntax
    part,
    unsatisfiable,
  };
  Kind kind = Kind::whole;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

// What of `size` bytes the header's value asks for.
Range parse_range(std::string_view value, std::uint64_t size);

// The range of the response's source that the request asks for; status and headers are set to fit (206, 416). An empty
// one for a response without a source.
Range choose_range(const http::Request& request, http::Response& response);

// The other way: what part a 206 answer says it is, "bytes 0-99/1000". Exactly this form, with first <= last < total;
// an unknown total ("*") is none.
struct ContentRange {
  std::uint64_t first = 0, last = 0, total = 0;
};
std::optional<ContentRange> parse_content_range(std::string_view text);

}  // namespace hz::net
