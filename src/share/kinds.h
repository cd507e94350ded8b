// The statements of this pillar.
#pragma once
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "statement/kind.h"

namespace hz::share {

// What export or house rules say of the bytes, as the signer classified them. `unknown` is what an unread rule leaves
// behind: nobody looked, so nothing may leave, and it is never read as `none`.
enum class Control : std::uint8_t { none, internal, export_controlled, unknown };
constexpr auto enum_names(Control) {
  return std::array<EnumName<Control>, 4>{{{Control::none, "none"},
                                           {Control::internal, "internal"},
                                           {Control::export_controlled, "export_controlled"},
                                           {Control::unknown, "unknown"}}};
}

enum class Relation : std::uint8_t { fine_tuned_from, quantised_from, distilled_from, merged_from, converted_from };
constexpr auto enum_names(Relation) {
  return std::array<EnumName<Relation>, 5>{{{Relation::fine_tuned_from, "fine_tuned_from"},
                                            {Relation::quantised_from, "quantised_from"},
                                            {Relation::distilled_from, "distilled_from"},
                                            {Relation::merged_from, "merged_from"},
                                            {Relation::converted_from, "converted_from"}}};
}

// Bytes that a release was made from.
struct Parent {
  std::string sha256;
  Relation relation = Relation::fine_tuned_from;
  std::string licence = "unknown";
  bool operator==(const Parent&) const = default;
  static constexpr auto fields() {
    return rows(row("sha256", &Parent::sha256, "SHA-256 of the parent's bytes, hex"),
                row("relation", &Parent::relation,
                    "fine_tuned_from, quantised_from, distilled_from, merged_from or converted_from"),
                row("licence", &Parent::licence,
                    "the parent's SPDX expression as the signer knows it; unknown when "
                    "absent",
                    or_default));
  }
};

// The signer has these bytes and may give them to the audience under the licence.
struct Release {
  static constexpr std::string_view kind = "share.release";
  std::string sha256;
  std::string name;
  std::string licence;
  std::string audience = "owner";
  std::int64_t size_bytes = 0;
  std::string media_type = "application/octet-stream";
  Control control = Control::unknown;
  bool rights_held = false;
  std::vector<Parent> parents = {};
  bool operator==(const Release&) const = default;
  static constexpr auto fields() {
    return rows(
        row("sha256", &Release::sha256, "SHA-256 of the bytes, hex"),
        row("name", &Release::name, "name shown to people"),
        row("licence", &Release::licence, "SPDX expression, or unknown"),
        row("audience", &Release::audience,
            "public, members, group:X, bilateral:A,B, clean-team:X, sealed-until:TIME or owner; older: alliance, "
            "everyone"),
        row("size_bytes", &Release::size_bytes, "number of bytes"),
        row("media_type", &Release::media_type, "media type; application/octet-stream when absent", or_default),
        row("control", &Release::control, "none, internal, export_controlled or unknown; unknown when absent",
            or_default),
        row("rights_held", &Release::rights_held,
            "the signer holds the rights to give these bytes, whatever the licences in their lineage say", or_default),
        row("parents", &Release::parents, "what they were made from"));
  }
};

// The signer's release gate said this of a release.
struct GateDecision {
  static constexpr std::string_view kind = "share.gate_decision";
  std::string sha256;
  std::string name;
  std::string licence;
  std::string audience;
  Control control = Control::unknown;
  bool allowed = false;
  std::vector<std::string> reasons = {};
  static constexpr auto fields() {
    return rows(row("sha256", &GateDecision::sha256, "SHA-256 of the bytes, hex"),
                row("name", &GateDecision::name, "name shown to people"),
                row("licence", &GateDecision::licence, "SPDX expression, or unknown"),
                row("audience", &GateDecision::audience, "class that was asked for"),
                row("control", &GateDecision::control, "none, internal, export_controlled or unknown"),
                row("allowed", &GateDecision::allowed, "the bytes may be given to the audience"),
                row("reasons", &GateDecision::reasons, "why not: slug, colon, what"));
  }
};

std::span<const statement::Kind> kinds();
std::string_view view_schema();

}  // namespace hz::share
