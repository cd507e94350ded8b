// What a drill takes away, as a person writes it: entity:NAME, jurisdiction:CODE, owner:NAME, component:ID,
// service:HOST, site:ID, product:ID or any node id. `*` and `?` match several.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hz::drill {

enum class TargetKind : std::uint8_t { entity, jurisdiction, owner, node };

struct Target {
  TargetKind kind = TargetKind::node;
  std::string pattern;  // for node: what follows component:, else the whole id; else what follows the colon
  std::string text;     // as written
};

inline constexpr std::size_t target_bytes_max = 512;

// Pure text work; whether anything matches is decided by loss.h. A text without a colon parses (so that the answer can
// suggest what was meant) and matches no id. Errors: drill.target.
Result<Target> parse_target(std::string_view text);

// `*` any run, `?` one byte; ASCII letters match in both cases. O(pattern x text).
bool glob_match(std::string_view pattern, std::string_view text);

// Id of a component without its version: "npm:@scope/x@1.2" -> "npm:@scope/x".
std::string_view without_version(std::string_view id);

// Up to `count` of the candidates that a person may have meant, nearest first: few edits, or one text inside the other.
std::vector<std::string> nearest(std::string_view text, const std::vector<std::string>& candidates, std::size_t count);

}  // namespace hz::drill
