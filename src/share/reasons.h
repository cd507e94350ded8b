#pragma once
#include "base/reason.h"

namespace hz::share {

inline constexpr Reason reasons[] = {
    {"share.digest", Code::invalid, "A release is not about a SHA-256 digest.", "Give 64 lower-case hex digits."},
    {"share.name", Code::invalid, "A release has no name that can be shown.",
     "Use 1 to 200 bytes of UTF-8 without control characters."},
    {"share.licence", Code::invalid, "The licence is not an SPDX expression.",
     "Write it like Apache-2.0, MIT OR BSD-3-Clause or LicenseRef-Ours; write unknown when nobody knows."},
    {"share.media_type", Code::invalid, "This is no media type.",
     "Write it in lower case without parameters, like application/octet-stream."},
    {"share.parents", Code::invalid, "A release's lineage cannot be read.",
     "Name at most 16 different parents as RELATION:SHA256 or RELATION:SHA256:LICENCE; relations are fine_tuned_from, "
     "quantised_from, distilled_from, merged_from and converted_from."},
    {"share.release_gate", Code::denied, "The release gate says no: these bytes may not go to this audience.",
     "Remove every named reason, or release to the audience owner; the refusal was logged as a statement for this "
     "member alone."},
    {"share.gate_audience", Code::denied, "The reader does not belong to the audience.",
     "Ask the releasing member for a release to an audience that includes you."},
    {"share.gate_licence", Code::denied, "The licence does not permit passing the bytes on, or is not known to.",
     "Find out the licence; if this member holds the rights itself, release with --rights-held."},
    {"share.gate_lineage", Code::denied, "Something the bytes were made from does not permit passing them on.",
     "Name the licence of each parent; if this member holds the rights, release with --rights-held. A circle or more "
     "than 256 ancestors is refused in any case."},
    {"share.gate_control", Code::denied, "The control class of the bytes forbids this audience.",
     "Classify the bytes with --control; internal bytes are not public, export-controlled ones go to readers named by "
     "bilateral, group or clean-team."},
    {"share.no_release", Code::not_found, "No release of this digest or name is known here.",
     "See `hezong share list`; `hezong node sync` mirrors what is new."},
    {"share.name_ambiguous", Code::conflict, "Several different bytes were released under this name.",
     "Give the digest instead; `hezong share list` shows both."},
};
consteval const Reason& why(std::string_view slug) { return registered(reasons, slug); }

}  // namespace hz::share
