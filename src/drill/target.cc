#include "drill/target.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/text_match.h"
#include "drill/reasons.h"

namespace hz::drill {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = lower(c);
  return out;
}

// Edit distance, not computed where the lengths alone exceed `limit`.
std::size_t edits(std::string_view a, std::string_view b, std::size_t limit) {
  const std::size_t apart = a.size() > b.size() ? a.size() - b.size() : b.size() - a.size();
  return apart > limit ? limit + 1 : edit_distance(a, b);
}

std::string_view after_colon(std::string_view id) {
  const std::size_t colon = id.find(':');
  return colon == std::string_view::npos ? id : id.substr(colon + 1);
}

}  // namespace

Result<Target> parse_target(std::string_view text) {
  if (text.size() > target_bytes_max)
    return fail(why("drill.target"), "a target of {} bytes; at most {}", text.size(), target_bytes_max);
  if (!valid_utf8(text)) return fail(why("drill.target"), "the target is not UTF-8");
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      return fail(why("drill.target"), "the target holds a control character");
  const std::size_t colon = text.find(':');
  if (text.empty() || colon == 0 || colon + 1 == text.size())
    return fail(why("drill.target"), "'{}' is not KIND:NAME", text);
  if (colon == std::string_view::npos) return Target{TargetKind::node, std::string(text), std::string(text)};
  const std::string_view kind = text.substr(0, colon), rest = text.substr(colon + 1);
  Target out{TargetKind::node, std::string(text), std::string(text)};
  if (kind == "entity") out = {TargetKind::entity, std::string(rest), std::string(text)};
  if (kind == "jurisdiction") out = {TargetKind::jurisdiction, std::string(rest), std::string(text)};
  if (kind == "owner") out = {TargetKind::owner, std::string(rest), std::string(text)};
  if (kind == "component") out.pattern = rest;
  return out;
}

bool glob_match(std::string_view pattern, std::string_view text) {
  return glob(pattern, text, [](char p, char t) { return p == '?' || lower(p) == lower(t); });
}

std::string_view without_version(std::string_view id) {
  const std::size_t at = id.rfind('@'), colon = id.find(':');
  if (at == std::string_view::npos || at == 0) return id;
  if (colon != std::string_view::npos && at <= colon + 1) return id;  // npm:@scope/name
  return id.substr(0, at);
}

std::vector<std::string> nearest(std::string_view text, const std::vector<std::string>& candidates, std::size_t count) {
  const std::string wanted = lower(text);
  const std::string_view tail = after_colon(wanted);
  std::vector<std::pair<std::size_t, std::string>> ranked;
  for (const std::string& candidate : candidates) {
    const std::string known = lower(candidate);
    const std::string_view known_tail = after_colon(without_version(known));
    const std::size_t limit = 1 + wanted.size() / 4;
    std::size_t distance = std::min(edits(wanted, known, limit), edits(tail, known_tail, limit) + 1);
    const bool inside =
        tail.size() >= 3 && (known_tail.find(tail) != std::string_view::npos ||
                             (known_tail.size() >= 3 && tail.find(known_tail) != std::string_view::npos));
    if (distance > limit && inside) distance = limit;
    if (distance <= limit) ranked.emplace_back(distance, candidate);
  }
  std::sort(ranked.begin(), ranked.end());
  ranked.erase(std::unique(ranked.begin(), ranked.end()), ranked.end());
  std::vector<std::string> out;
  for (std::size_t i = 0; i < ranked.size() && i < count; ++i) out.push_back(ranked[i].second);
  return out;
}

}  // namespace hz::drill
