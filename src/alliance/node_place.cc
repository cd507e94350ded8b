#include "alliance/node_place.h"

#include "alliance/reasons.h"
#include "sql/db.h"
#include "statement/ids.h"
#include "statement/statement.h"

namespace hz::alliance {

Result<void> check(const NodePlace& place) {
  if (!statement::is_jurisdiction(place.jurisdiction))
    return fail(why("alliance.node_place"), "jurisdiction \"{}\"", place.jurisdiction);
  if (place.entity != "unknown" && !statement::is_id_of("entity", place.entity))
    return fail(why("alliance.node_place"), "entity \"{}\"", place.entity);
  return {};
}

Result<void> replay_node_place(sql::Db& views, const statement::Statement& from, const NodePlace& said) {
  HZ_TRY(check(said));
  return views.exec("INSERT OR REPLACE INTO alliance_node VALUES(?,?,?,?)",
                    {from.issuer, said.jurisdiction, said.entity, from.id_text()});
}

}  // namespace hz::alliance
