// Writes an audit bundle (bundle.h) out of the logs that are here: the own one and the mirrored ones.
#pragma once
#include <map>
#include <set>

#include "alliance/member.h"
#include "node/bundle.h"
#include "node/contact.h"

namespace hz::node {

// The statements with these ids, from whichever logs they stand in. Of each log the newest head with cosignatures that
// covers them is taken, else its newest head; signatures of keys that the policy does not name are left out. The policy
// is the member's file `policy`, else one written down from the rule that stands without it: of all members whose
// witness keys are known, as many as are more than half of the others. Equal logs, heads and policy give equal bytes.
// `shown`: paths in sealed bodies of this member's own statements among them; no path shows every field. `open`: own
// sealed statements among them whose bodies the file shows to whoever has it; `files`: what these name. The result is
// checked as a stranger would. Errors: alliance.no_statement, node.bundle_empty, alliance.not_sealed,
// alliance.body_gone, statement.no_field, log.*, base.too_large.
using Shown = std::map<std::string, std::vector<std::string>>;  // by statement
Result<std::string> make_bundle(alliance::Member& member, const std::vector<Contact>& known,
                                const std::set<std::string>& ids, const Shown& shown = {},
                                const std::set<std::string>& open = {}, std::vector<BundleFile> files = {});

}  // namespace hz::node
