// Where witnesses of the policy file run that are no node of the alliance: nobody there signs a statement of ours, so
// the member that put them into its policy says it for itself, in a file of its own. The policy stays the C2SP format
// that other programs read, and a comment there would be none of theirs. docs/formats/member_folder.md, witnesses.json.
#pragma once
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/fs.h"
#include "log/policy.h"

namespace hz::node {

struct WitnessPlace {
  std::string witness;
  std::string jurisdiction;
  std::string entity = "unknown";
  static constexpr auto fields() {
    return rows(row("witness", &WitnessPlace::witness, "its name in the policy file"),
                row("jurisdiction", &WitnessPlace::jurisdiction, "two capital letters (ISO 3166-1), or unknown"),
                row("entity", &WitnessPlace::entity, "entity:<id> that operates it, or unknown", or_default));
  }
};

// What this member says; nothing without the file. Errors: node.witness_places (not in form, or one stands twice or is
// no witness of the policy), base.json_*, base.read.
Result<std::vector<WitnessPlace>> witness_places(const fs::path& home, const log::Policy& policy);

}  // namespace hz::node
