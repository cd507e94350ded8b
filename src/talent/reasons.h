#pragma once
#include "base/reason.h"

namespace hz::talent {

inline constexpr Reason reasons[] = {
    {"talent.id", Code::invalid, "A component or skill id does not have its form.",
     "Write the component as <type>:<id>, such as backend:refrt, and the skill as skill:<id>."},
    {"talent.range", Code::invalid, "A figure is negative, or a range is empty.",
     "Give at least one person and 0 <= min <= max hours, at most 10^6."},
};
consteval const Reason& why(std::string_view slug) { return registered(reasons, slug); }

}  // namespace hz::talent
