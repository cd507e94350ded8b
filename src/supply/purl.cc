#include "supply/purl.h"

#include <algorithm>

namespace hz::supply {

namespace {

int hex_digit(char c) {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : -1;
}

bool decode(std::string_view text, std::string& out) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return false;
    const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0 || (high == 0 && low == 0)) return false;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return true;
}

bool plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) > 0x20 && c != 0x7f; });
}

}  // namespace

std::optional<Purl> parse_purl(std::string_view text) {
  if (!text.starts_with("pkg:")) return std::nullopt;
  text.remove_prefix(4);
  while (text.starts_with('/')) text.remove_prefix(1);
  text = text.substr(0, text.find_first_of("?#"));
  Purl out;
  const auto slash = text.find('/');
  if (slash == std::string_view::npos || slash == 0) return std::nullopt;
  for (const char c : text.substr(0, slash)) {
    const char lower = c >= 'A' && c <= 'Z' ? char(c + 32) : c;
    if (!((lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9') || lower == '.' || lower == '-' ||
          lower == '+'))
      return std::nullopt;
    out.type += lower;
  }
  text.remove_prefix(slash + 1);
  // A version starts at the last '@' behind the last '/'; an npm scope written raw ("pkg:npm/@scope/name") is before
  // it.
  const auto last_slash = text.rfind('/');
  const auto at = text.rfind('@');
  if (at != std::string_view::npos && at > 0 && (last_slash == std::string_view::npos || at > last_slash + 1)) {
    if (!decode(text.substr(at + 1), out.version)) return std::nullopt;
    text = text.substr(0, at);
  }
  const auto name_at = text.rfind('/');
  if (!decode(text.substr(name_at == std::string_view::npos ? 0 : name_at + 1), out.name)) return std::nullopt;
  if (name_at != std::string_view::npos && !decode(text.substr(0, name_at), out.space)) return std::nullopt;
  if (out.name.empty() || !plain(out.name) || !plain(out.space) || !plain(out.version)) return std::nullopt;
  return out;
}

std::string node_of(const Purl& purl) {
  const bool npm = purl.type == "npm";
  std::string out = npm ? "npm:" : "pkg:" + purl.type + "/";
  if (!purl.space.empty()) out += purl.space + "/";
  out += purl.name;
  if (!purl.version.empty()) out += "@" + purl.version;
  return out;
}

}  // namespace hz::supply
