#include "api/target.h"

#include <algorithm>

#include "api/reasons.h"
#include "base/bytes.h"

namespace hz::api {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::unexpected<Error> refuse(std::string_view text, std::string_view because) {
  return fail(why("api.target"), "\"{}\": {}", percent_encoded(text.substr(0, 80)), because);
}

}  // namespace

std::optional<std::string> percent_decoded(std::string_view text, bool form) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && form) {
      c = ' ';
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return std::nullopt;
    out += c;
  }
  if (!valid_utf8(out)) return std::nullopt;
  return out;
}

std::string percent_encoded(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                       c == '.' || c == '_' || c == '~';
    if (plain)
      out += c;
    else
      ((out += '%') += digits[u >> 4]) += digits[u & 15];
  }
  return out;
}

Result<std::vector<std::string>> path_segments(std::string_view path) {
  if (path.size() > target_size_max) return refuse(path, "too long");
  if (!path.starts_with('/')) return refuse(path, "it does not begin with a slash");
  std::vector<std::string> out;
  for (std::string_view rest = path; !rest.empty();) {
    rest.remove_prefix(1);
    const auto end = std::min(rest.find('/'), rest.size());
    auto segment = percent_decoded(rest.substr(0, end));
    if (!segment) return refuse(path, "a broken escape");
    if (segment->empty() || *segment == "." || *segment == "..") return refuse(path, "a segment that names nothing");
    if (out.size() == segments_max) return refuse(path, "too many segments");
    out.push_back(*std::move(segment));
    rest.remove_prefix(end);
  }
  return out;
}

Result<std::vector<Parameter>> query_parameters(std::string_view query) {
  if (query.size() > target_size_max) return refuse(query, "too long");
  std::vector<Parameter> out;
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    const auto equals = std::min(pair.find('='), pair.size());
    auto name = percent_decoded(pair.substr(0, equals), true);
    auto value = percent_decoded(equals < pair.size() ? pair.substr(equals + 1) : std::string_view{}, true);
    if (!name || !value || name->empty()) return refuse(pair, "not name=value");
    if (out.size() == parameters_max) return refuse(pair, "too many parameters");
    out.push_back({*std::move(name), *std::move(value)});
  }
  return out;
}

}  // namespace hz::api
