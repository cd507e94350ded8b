#include "share/rules.h"

#include <algorithm>
#include <vector>

#include "share/reasons.h"
#include "statement/ids.h"

namespace hz::share {
namespace {

std::vector<std::string_view> tokens(std::string_view text) {
  std::vector<std::string_view> out;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == ' ') {
      ++at;
    } else if (text[at] == '(' || text[at] == ')') {
      out.push_back(text.substr(at++, 1));
    } else {
      const std::size_t end = std::min(text.find_first_of(" ()", at), text.size());
      out.push_back(text.substr(at, end - at));
      at = end;
    }
  }
  return out;
}

bool is_identifier(std::string_view word) {
  if (word == "AND" || word == "OR" || word == "WITH") return false;
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '+' || c == ':';
  });
}

}  // namespace

bool is_licence(std::string_view text) {
  if (text == "unknown") return true;
  if (text.empty() || text.size() > 500) return false;
  // A term and an operator alternate; parentheses only nest. Two states and a depth are enough.
  bool wants_term = true;
  int depth = 0;
  const auto words = tokens(text);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view w = words[i];
    if (wants_term) {
      if (w == "(") {
        ++depth;
      } else if (is_identifier(w)) {
        wants_term = false;
      } else {
        return false;
      }
    } else if (w == ")") {
      if (--depth < 0) return false;
    } else if (w == "WITH") {
      // An exception belongs to one identifier, never to a group.
      if (i == 0 || !is_identifier(words[i - 1]) || i + 1 == words.size() || !is_identifier(words[i + 1])) return false;
      ++i;
    } else if (w == "AND" || w == "OR") {
      wants_term = true;
    } else {
      return false;
    }
  }
  return !wants_term && depth == 0;
}

Result<void> check(const Release& release) {
  if (!statement::is_sha256(release.sha256)) return fail(why("share.digest"), "\"{}\"", release.sha256);
  if (!statement::is_shown_name(release.name)) return fail(why("share.name"), "release {}", release.sha256);
  if (!is_licence(release.licence)) return fail(why("share.licence"), "\"{}\" of {}", release.licence, release.name);
  if (release.licence == "unknown" && release.audience != Audience::owner)
    return fail(why("share.release_gate"), "{} to {}", release.name, enum_text(release.audience));
  return {};
}

}  // namespace hz::share
