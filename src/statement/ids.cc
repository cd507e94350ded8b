#include "statement/ids.h"

#include <algorithm>

#include "base/bytes.h"

namespace hz::statement {
namespace {

bool is_id_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("._~@/+:%-").find(c) != std::string_view::npos;
}

}  // namespace

bool is_component_id(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == 0 || colon == std::string_view::npos) return false;
  const std::string_view type = text.substr(0, colon), rest = text.substr(colon + 1);
  return std::all_of(type.begin(), type.end(), [](char c) { return c >= 'a' && c <= 'z'; }) && !rest.empty() &&
         rest.size() <= 200 && std::all_of(rest.begin(), rest.end(), is_id_byte);
}

bool is_id_of(std::string_view type, std::string_view text) {
  return is_component_id(text) && text.size() > type.size() && text[type.size()] == ':' && text.starts_with(type);
}

bool is_jurisdiction(std::string_view text) {
  const auto capital = [](char c) { return c >= 'A' && c <= 'Z'; };
  return text == "unknown" || (text.size() == 2 && capital(text[0]) && capital(text[1]));
}

bool is_shown_name(std::string_view text) {
  return !text.empty() && text.size() <= 200 && valid_utf8(text) && std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
}

bool is_sha256(std::string_view text) {
  return text.size() == 64 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace hz::statement
