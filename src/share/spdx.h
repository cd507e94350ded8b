// SPDX licence expressions (SPDX specification 2.3, annex D). Pure.
//
//   expression = term, or `AND` / `OR` between terms; AND binds closer
//   term       = "(" expression ")" | licence [ "WITH" exception ]
//   licence    = id ["+"] | ["DocumentRef-" id ":"] "LicenseRef-" id
//
// That an id is in the SPDX list is not checked here: lists age. What an id permits is asked of licence_terms.h.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hz::share {

inline constexpr std::size_t spdx_size_bytes_max = 500;
inline constexpr int spdx_depth_max = 32;

struct Spdx {
  enum class Kind : std::uint8_t { licence, all, any };
  Kind kind = Kind::licence;
  std::string id;           // of a licence, without "+"
  bool or_later = false;    // "+"
  std::string exception;    // after WITH; "" without one
  std::vector<Spdx> parts;  // of all (AND) and any (OR), at least two
  bool operator==(const Spdx&) const = default;

  // Errors: share.licence; the message names the place.
  static Result<Spdx> parse(std::string_view text);
  // The shortest text that parses to this again: parentheses only where OR stands within AND, or a group within its own
  // kind.
  std::string format() const;
};

}  // namespace hz::share
