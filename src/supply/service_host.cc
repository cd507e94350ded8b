#include "supply/service_host.h"

#include <algorithm>

namespace hz::supply {

namespace {

bool label_char(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; }

// Letters, digits, '-' and '_' in labels joined by dots. A name of digits and dots only must be an IPv4 address.
bool valid_host(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  std::size_t label = 0, labels = 1;
  bool letters = false;
  for (const char c : host) {
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
      ++labels;
      continue;
    }
    if (!label_char(c) || ++label > 63 || (label == 1 && (c == '-' || c == '_'))) return false;
    letters = letters || !(c >= '0' && c <= '9');
  }
  return label > 0 && (letters || labels == 4);
}

bool this_machine(std::string_view host) {
  return host == "localhost" || host.ends_with(".localhost") || host.starts_with("127.") || host == "0.0.0.0";
}

}  // namespace

std::optional<std::string> service_host(std::string_view value) {
  if (const auto scheme = value.find("://"); scheme != std::string_view::npos) value.remove_prefix(scheme + 3);
  value = value.substr(0, value.find_first_of("/?#\\"));
  if (const auto at = value.rfind('@'); at != std::string_view::npos) value.remove_prefix(at + 1);
  if (value.starts_with('[')) return std::nullopt;  // IPv6 literals name machines, not services
  value = value.substr(0, value.find(':'));
  std::string host(value);
  std::transform(host.begin(), host.end(), host.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  if (host.ends_with('.')) host.pop_back();
  if (!valid_host(host) || this_machine(host)) return std::nullopt;
  return host;
}

}  // namespace hz::supply
