#pragma once
#include "base/reason.h"

namespace hz::share {

inline constexpr Reason reasons[] = {
    {"share.digest", Code::invalid, "A release is not about a SHA-256 digest.", "Give 64 lower-case hex digits."},
    {"share.name", Code::invalid, "A release has no name that can be shown.",
     "Use 1 to 200 bytes of UTF-8 without control characters."},
    {"share.licence", Code::invalid, "The licence is not an SPDX expression.",
     "Write it like Apache-2.0, MIT OR BSD-3-Clause or LicenseRef-Ours; write unknown when nobody knows."},
    {"share.release_gate", Code::denied, "Bytes of unknown licence may not leave their owner.",
     "Find out the licence first, or release to the audience owner."},
};
consteval const Reason& why(std::string_view slug) { return registered(reasons, slug); }

}  // namespace hz::share
