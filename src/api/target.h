// A request target taken apart: path segments and query, percent-decoded once. Pure; reads outside bytes.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hz::api {

inline constexpr std::size_t target_size_max = 16u << 10;
inline constexpr std::size_t segments_max = 32;
inline constexpr std::size_t parameters_max = 256;

// "a%20b" -> "a b". Nothing for a broken escape, a control character or invalid UTF-8. With `form`, '+' is a space.
std::optional<std::string> percent_decoded(std::string_view text, bool form = false);
// The other way: everything but letters, digits and "-._~" is escaped.
std::string percent_encoded(std::string_view text);

// "/v1/log/a%2Fb" -> {"v1", "log", "a/b"}: split first, decoded afterwards, so that an escaped slash stays inside its
// segment. Errors: api.target for no leading slash, an empty, "." or ".." segment, or what percent_decoded refuses.
Result<std::vector<std::string>> path_segments(std::string_view path);

struct Parameter {
  std::string name, value;
};
// "a=1&b=&c" in order; a name without '=' has the value "". Errors: api.target.
Result<std::vector<Parameter>> query_parameters(std::string_view query);

}  // namespace hz::api
