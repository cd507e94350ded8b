// A request head as HTTP sees it, before anybody looks at the resource.
#pragma once
#include <optional>

#include "base/http.h"
#include "net/asio.h"

namespace hz::net {

using HeadParser = beast::http::request_parser<beast::http::empty_body, HeadMemory>;

struct Heard {
  http::Request request;
  bool keep_alive = true;
  bool http11 = true;
  bool expects_continue = false;
  std::optional<http::Response> refused;  // what could be read in two ways, or is not spoken here
};
Heard hear(const HeadParser& parser, const std::string& client);

// A short text, not to be cached: what the server itself has to say.
http::Response plain(int status, std::string_view text);

}  // namespace hz::net
