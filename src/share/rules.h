// Pure decisions about releases: what may be signed, and the release gate.
//
// The gate is asked twice. When a member releases, without a reader: may anybody of this audience have the bytes? And
// by every node before it gives them, with the reader: may this one, now? Both ask the same function, so a release that
// was signed by hand, or by a program with another gate, is given to nobody whom this gate refuses.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alliance/audience.h"
#include "share/kinds.h"
#include "share/lineage.h"

namespace hz::share {

inline constexpr std::size_t parents_max = 16;

// An SPDX licence expression, or `unknown`.
bool is_licence(std::string_view text);

// The class that a release names. Releases of older programs say `alliance` (members) and `everyone` (public).
// Errors: alliance.audience.
Result<alliance::Audience> audience_of(const Release& release);

// What may be signed and what counts in the views. Errors: share.digest, share.name, share.licence, share.media_type,
// share.parents, alliance.audience.
Result<void> check(const Release& release);

// "fine_tuned_from:<64 hex>" or "fine_tuned_from:<64 hex>:<SPDX expression>". Errors: share.parents, share.licence.
Result<Parent> parse_parent(std::string_view text);

// What the gate is asked.
struct Question {
  const Release& release;
  std::string_view releaser;               // the member that signed it
  const Lineage& lineage;                  // of the release, as far as the asking node knows
  std::optional<std::string_view> reader;  // absent: anybody of the audience
  const alliance::MembershipFacts& facts;
  std::int64_t now_ms = 0;
};

struct Verdict {
  std::vector<Error> denials;  // every reason, in this order: audience, licence, lineage, control
  bool allowed() const { return denials.empty(); }
};

// Denials: share.gate_audience (the reader is not of it, or it could have no reader), share.gate_licence (passing on is
// not permitted or not known to be), share.gate_lineage (the same of derived bytes, a circle, or too long),
// share.gate_control (unclassified bytes leave for nobody, internal ones are not public, export-controlled ones go to
// named readers only: bilateral, group, clean-team).
// The releaser itself may always have its bytes. `rights_held` answers for licences, its own and its lineage's, never
// for control or audience.
Verdict gate(const Question& question);

// The verdict as the statement that is logged.
GateDecision decision(const Release& release, const Verdict& verdict);
// "share.gate_licence: CC-BY-NC-4.0 does not permit it; share.gate_control: ..."
std::string denials_text(const Verdict& verdict);

}  // namespace hz::share
