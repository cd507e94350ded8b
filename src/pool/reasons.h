#pragma once
#include "base/reason.h"

namespace hz::pool {

inline constexpr Reason reasons[] = {
    {"pool.site_id", Code::invalid, "A site, entity or backend id does not have its form.",
     "Write site:<id>, entity:<id> (or unknown) and backend:<engine>."},
    {"pool.site_name", Code::invalid, "A site has no name that can be shown.",
     "Use 1 to 200 bytes of UTF-8 without control characters."},
    {"pool.jurisdiction", Code::invalid, "The jurisdiction is not a country code.",
     "Use two capital letters (ISO 3166-1), or unknown."},
    {"pool.range", Code::invalid, "A range of figures is empty or negative.", "Give 0 <= min <= max, at most 10^12."},
    {"pool.no_offer", Code::invalid, "The site offers no backend.", "Name at least one with --backend."},
    {"pool.meter", Code::corrupt, "The meter's file is damaged.",
     "Restore the file from a copy; the line named and what follows it cannot be billed from this one."},
    {"pool.offer_twice", Code::invalid, "One statement offers a backend twice.", "Name each backend once."},
};
consteval const Reason& why(std::string_view slug) { return registered(reasons, slug); }

}  // namespace hz::pool
