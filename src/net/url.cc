#include "net/url.h"

#include <algorithm>
#include <charconv>

#include "net/reasons.h"

namespace hz::net {
namespace {

constexpr std::size_t url_size_max = 2048;

bool host_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

}  // namespace

std::string bracketed(std::string_view host) {
  return host.find(':') == std::string_view::npos ? std::string(host) : fmt::format("[{}]", host);
}

std::string Url::authority() const {
  return port == (tls ? 443 : 80) ? bracketed(host) : fmt::format("{}:{}", bracketed(host), port);
}

std::string Url::text() const { return fmt::format("{}://{}{}", tls ? "https" : "http", authority(), prefix); }

Result<Url> parse_url(std::string_view text) {
  const std::string_view whole = text;
  const auto refuse = [&](std::string_view because) {
    return fail(why("net.url"), "\"{}\": {}", whole.substr(0, 200), because);
  };
  if (text.size() > url_size_max) return refuse("too long");
  if (!std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\\'; }))
    return refuse("a character that no URL holds");
  Url out;
  if (text.starts_with("https://"))
    out.tls = true;
  else if (!text.starts_with("http://"))
    return refuse("neither http:// nor https://");
  text.remove_prefix(out.tls ? 8 : 7);
  if (text.find_first_of("?#@") != std::string_view::npos) return refuse("it has a user name, query or fragment");
  const auto slash = std::min(text.find('/'), text.size());
  std::string_view place = text.substr(0, slash);
  out.prefix = text.substr(slash);
  while (out.prefix.ends_with('/')) out.prefix.pop_back();

  if (place.starts_with('[')) {
    const auto end = place.find(']');
    if (end == std::string_view::npos) return refuse("a bracket is open");
    out.host = place.substr(1, end - 1);
    if (out.host.find(':') == std::string::npos ||
        out.host.find_first_not_of("0123456789abcdefABCDEF:.") != std::string::npos)
      return refuse("the brackets hold no IPv6 address");
    place.remove_prefix(end + 1);
  } else {
    const auto colon = std::min(place.find(':'), place.size());
    out.host = place.substr(0, colon);
    if (!std::all_of(out.host.begin(), out.host.end(), host_char)) return refuse("the host is not a name");
    place.remove_prefix(colon);
  }
  if (out.host.empty()) return refuse("there is no host");
  out.port = out.tls ? 443 : 80;
  if (!place.empty()) {
    if (place.front() != ':') return refuse("something follows the host");
    place.remove_prefix(1);
    const auto [end, error] = std::from_chars(place.data(), place.data() + place.size(), out.port);
    if (error != std::errc() || end != place.data() + place.size() || out.port == 0) return refuse("the port");
  }
  return out;
}

}  // namespace hz::net
