// The charter in force, as operations on membership ask for it.
#pragma once
#include "alliance/charter.h"
#include "alliance/member.h"

namespace hz::node {

struct InForce {
  alliance::Charter charter;
  std::string statement;  // id, hex
};
// Errors: alliance.no_charter, and what views() says.
Result<InForce> charter_in_force(alliance::Member& member);
// The same for whoever decides under it. Errors: also alliance.not_secretariat.
Result<InForce> as_secretariat(alliance::Member& member);
// What shows a statement of this member to somebody who has nothing else (node/evidence.h). Errors:
// alliance.no_statement, those of make_evidence().
Result<std::string> evidence_of(alliance::Member& member, const std::string& id);

}  // namespace hz::node
