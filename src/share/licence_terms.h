// What a licence permits, as far as the release gate asks: may the bytes be passed on, and may what was made from them.
// A table and two questions; no legal advice.
#pragma once
#include <span>
#include <string_view>

#include "share/spdx.h"

namespace hz::share {

enum class Permission : std::uint8_t { yes, no, unknown };

struct LicenceTerms {
  std::string_view id;
  bool copies;              // a company may pass on the bytes as they are, with the licence's notices
  bool derived;             // and bytes made from them
  std::string_view source;  // where the licence's text says so
};
std::span<const LicenceTerms> licence_terms();

// AND needs every part, OR needs one; an exception only adds permissions, so WITH asks the licence alone. An id that
// the table lacks, each LicenseRef- among them, is unknown.
Permission may_copy(const Spdx& licence);
Permission may_derive(const Spdx& licence);
// The same of a text; `unknown` and what is no expression are unknown.
Permission may_copy(std::string_view licence);
Permission may_derive(std::string_view licence);

}  // namespace hz::share
