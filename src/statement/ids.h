// The id texts that statements of different pillars share (docs/views.md, Ids).
#pragma once
#include <string_view>

namespace hz::statement {

// "<type>:<rest>": type in lower-case letters, rest of 1 to 200 bytes of [A-Za-z0-9._~@/+:%-].
bool is_component_id(std::string_view text);
// The same with a given type: is_id_of("site", "site:hangzhou-1").
bool is_id_of(std::string_view type, std::string_view text);

// Two capital letters (ISO 3166-1 alpha-2), or `unknown`.
bool is_jurisdiction(std::string_view text);
// 1 to 200 bytes of UTF-8 without control characters.
bool is_shown_name(std::string_view text);
// 64 lower-case hex digits.
bool is_sha256(std::string_view text);

}  // namespace hz::statement
