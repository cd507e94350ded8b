// The canonical JSON of signed payloads: a subset of RFC 8785 (docs/formats/canonical_json.md).
//
// Two programs that disagree about "the same" JSON break signatures and ids. The usual cure, parse and dump again and
// compare, was measured at 33k texts/s and hides duplicate keys (the parser has already dropped one). So one pass over
// the bytes checks that the text *is* canonical: integers of at most 2^53-1 in magnitude, keys of [A-Za-z0-9_]+ in
// strictly rising byte order, RFC 8785 escapes, no white space, at most 16 levels, valid UTF-8. In this subset byte
// order and UTF-16 order agree, and no number has two spellings, so every equal value has exactly one text.
#pragma once
#include <string>
#include <string_view>

#include "base/json.h"

namespace hz::statement {

inline constexpr int canonical_depth_max = 16;
inline constexpr std::int64_t canonical_integer_max = 9007199254740991;  // 2^53-1

// Text is canonical. One pass, no allocation. Errors: statement.not_canonical with offset and JSON path.
Result<void> check_canonical(std::string_view text);

// The same check, building the value in the same pass.
Result<json::Value> parse_canonical(std::string_view text);

// The one text of a value. Refuses floats, integers out of range, other keys, repeated keys, bad UTF-8, deeper nesting.
// Errors: statement.not_canonical with the JSON path.
Result<std::string> canonical(const json::Value& value);

// The text as a part of a larger canonical text, `levels` deep in it.
Result<void> append_canonical(std::string& out, const json::Value& value, int levels = 0);

}  // namespace hz::statement
