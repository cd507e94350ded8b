#include "api/pattern.h"

#include <algorithm>

namespace hz::api {

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    if (end > 0) out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string_view command_words(std::string_view pattern) {
  pattern = pattern.substr(0, std::min(pattern.find_first_of("<["), pattern.size()));
  while (pattern.ends_with(' ')) pattern.remove_suffix(1);
  return pattern;
}

std::vector<Positional> positionals(std::string_view pattern) {
  std::vector<Positional> out;
  for (std::string_view token : words_of(pattern)) {
    if (token.front() != '<' && token.front() != '[') continue;
    Positional p{.name = token.substr(1, token.size() - 2), .optional = token.front() == '['};
    if (p.name.ends_with("...")) {
      p.rest = true;
      p.name.remove_suffix(3);
    }
    out.push_back(p);
  }
  return out;
}

bool is_positional(const Op& op, std::string_view field) {
  const auto places = positionals(op.cli);
  return std::any_of(places.begin(), places.end(), [&](const Positional& p) { return p.name == field; });
}

std::string flag_name(std::string_view field) {
  std::string out = "--";
  for (const char c : field) out += c == '_' ? '-' : c;
  return out;
}

}  // namespace hz::api
