// The CLI pattern of an Op row, taken apart: "drill what-if <dir> [more...]". One grammar for parsing, help and
// documents.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "api/op.h"

namespace hz::api {

// The words before the first argument: "drill what-if".
std::string_view command_words(std::string_view pattern);

// The named arguments of a pattern, in order.
struct Positional {
  std::string_view name;
  bool optional = false;  // [name]
  bool rest = false;      // <name...> or [name...]
};
std::vector<Positional> positionals(std::string_view pattern);
bool is_positional(const Op& op, std::string_view field);

// "control_bp" -> "--control-bp".
std::string flag_name(std::string_view field);
// Splits at spaces; empty words are left out.
std::vector<std::string_view> words_of(std::string_view text);

}  // namespace hz::api
