#include "supply/facts.h"

#include <algorithm>

namespace hz::supply {

namespace {

// Namespaces whose names may contain '@' for other reasons never carry a version.
bool has_version(std::string_view space) {
  return space == "npm" || space == "deb" || space == "pkg" || space == "driver" || space == "bom";
}

// Where "@version" starts, or npos. A scope ("npm:@scope/...") is not a version.
std::size_t version_at(std::string_view node) {
  const auto colon = node.find(':');
  if (colon == std::string_view::npos || !has_version(node.substr(0, colon))) return std::string_view::npos;
  const auto at = node.rfind('@');
  const auto slash = node.rfind('/');
  if (at == std::string_view::npos || at <= colon + 1) return std::string_view::npos;
  if (slash != std::string_view::npos && at < slash) return std::string_view::npos;
  return at;
}

struct SpaceType {
  std::string_view space, type;
};
constexpr SpaceType space_types[] = {
    {"product", "product"}, {"model", "model"}, {"backend", "runtime"}, {"npm", "package"},     {"deb", "package"},
    {"pkg", "package"},     {"bom", "package"}, {"file", "file"},       {"service", "service"}, {"site", "site"},
    {"skill", "skill"},     {"gate", "gate"},   {"chip", "chip"},       {"driver", "driver"},   {"board", "board"},
};

}  // namespace

std::string bare_id(std::string_view node) { return std::string(node.substr(0, version_at(node))); }

std::string id_text(std::string text) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._~@/+:%-").find(c) != std::string_view::npos;
  };
  if (std::all_of(text.begin(), text.end(), plain)) return text;
  std::string out;
  for (const char c : text) {
    if (plain(c))
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string id_version(std::string_view node) {
  const auto at = version_at(node);
  return at == std::string_view::npos ? std::string() : std::string(node.substr(at + 1));
}

std::string_view id_namespace(std::string_view node) {
  const auto colon = node.find(':');
  return colon == std::string_view::npos ? std::string_view() : node.substr(0, colon);
}

std::string_view type_of(std::string_view node) {
  const auto space = id_namespace(node);
  for (const auto& row : space_types)
    if (row.space == space) return row.type;
  return {};
}

}  // namespace hz::supply
