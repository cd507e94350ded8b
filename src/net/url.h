// The URL of a peer, taken apart: scheme, host, port and the prefix that every path is put behind.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hz::net {

struct Url {
  bool tls = false;
  std::string host;  // a name or an address, without the brackets of IPv6
  std::uint16_t port = 0;
  std::string prefix;  // "" or "/log/acme", never with a slash at the end

  // What stands in the Host header: no port where the scheme implies it.
  std::string authority() const;
  std::string text() const;
};

// http and https only; no user name, query or fragment; ASCII. Errors: net.url.
Result<Url> parse_url(std::string_view text);

// An address as it stands in a URL: IPv6 in brackets.
std::string bracketed(std::string_view host);

}  // namespace hz::net
