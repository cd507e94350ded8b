#include "node/in_force.h"

#include "alliance/reasons.h"
#include "node/evidence.h"
#include "sql/db.h"

namespace hz::node {

using namespace hz::alliance;

Result<InForce> charter_in_force(Member& member) {
  std::string text, statement;
  HZ_TRY(HZ_TRY(member.views())
             ->query("SELECT charter, statement FROM public_alliance_charter", {}, [&](const sql::Row& r) {
               text = r.text(0);
               statement = r.text(1);
               return false;
             }));
  if (text.empty()) return fail(alliance::why("alliance.no_charter"), "{}", member.id());
  return InForce{HZ_TRY(from_json<Charter>(HZ_TRY(json::parse(text)))), statement};
}
Result<InForce> as_secretariat(Member& member) {
  InForce out = HZ_TRY(charter_in_force(member));
  if (out.charter.secretariat != member.origin())
    return fail(alliance::why("alliance.not_secretariat"), "{} decides", out.charter.secretariat);
  return out;
}
Result<std::string> evidence_of(Member& member, const std::string& id) {
  return make_evidence(member, HZ_TRY(member.find(id)));
}

}  // namespace hz::node
