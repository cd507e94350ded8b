// Heads of messages as text, and the checks that keep one header one header. Pure.
#pragma once
#include <cstdint>

#include "base/http.h"

namespace hz::net {

// No control character: a value cannot start a header of its own.
bool is_header_value(std::string_view text);
// One of the characters of RFC 9110 §5.6.2, at least one: methods and header names.
bool is_token(std::string_view text);
// Origin-form: '/' first, visible ASCII only, neither '?' nor '#' in the path.
bool is_path(std::string_view text);

std::string_view status_text(int status);

struct Framing {
  std::uint64_t content_length = 0;
  bool keep_alive = true;
  std::string_view date;  // IMF-fixdate
};
// Status line and headers, with the empty line. Headers that are no headers are left out, and so are the ones that
// framing decides (content-length, connection, transfer-encoding, date).
std::string response_head(const http::Response& response, const Framing& framing);

// Request line and headers, with the empty line; `more` are further headers. Errors: net.request.
Result<std::string> request_head(const http::Request& request, const std::vector<http::Header>& more,
                                 std::string_view prefix, std::string_view authority);

// "Fri, 27 Nov 2026 15:04:05 GMT".
std::string imf_date(std::int64_t unix_s);

}  // namespace hz::net
