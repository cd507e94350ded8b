#include "pool/gate_table.h"

#include "pool/lending.h"
#include "sql/db.h"

namespace hz::pool {

std::string lent_product(std::string_view lease) { return "product:lease:" + std::string(lease); }

Result<GateTable> read_gate_table(sql::Db& views, const std::string& member) {
  GateTable out;
  HZ_TRY(views.query("SELECT product, reason, deadline_ms, evidence, statement FROM pool_route WHERE member = ?",
                     {member}, [&](const sql::Row& row) {
                       GateTable::Routed routed{{row.text(0), {}, {}, row.text(1), row.integer(2)}, row.text(4)};
                       const std::string evidence = row.text(3);
                       for (std::size_t at = 0; at < evidence.size();) {
                         const std::size_t end = std::min(evidence.find(' ', at), evidence.size());
                         routed.route.evidence.push_back(evidence.substr(at, end - at));
                         at = end + 1;
                       }
                       out.routes.emplace(row.text(0), std::move(routed));
                       return true;
                     }));
  HZ_TRY(views.query(
      "SELECT product, claim, site, backend, weight FROM pool_route_target WHERE member = ? ORDER BY product, place",
      {member}, [&](const sql::Row& row) {
        const auto found = out.routes.find(row.text(0));
        if (found != out.routes.end())
          found->second.route.targets.push_back({row.text(1), row.text(2), row.text(3), row.integer(4)});
        return true;
      }));
  HZ_TRY(views.query(
      "SELECT k.key, k.name, k.secret_sha256, k.requests_per_minute, k.units_per_minute, k.expires_ms, k.statement, "
      "r.key IS NOT NULL, k.consumer FROM pool_api_key k LEFT JOIN pool_api_key_revoked r ON r.member = k.member AND "
      "r.key = k.key "
      "WHERE k.member = ?",
      {member}, [&](const sql::Row& row) {
        GateTable::Known known{
            {row.text(0), row.text(1), row.text(2), {}, row.integer(3), row.integer(4), row.integer(5), row.text(8)},
            row.integer(7) != 0,
            row.text(6)};
        out.keys.emplace(row.text(0), std::move(known));
        return true;
      }));
  HZ_TRY(views.query("SELECT key, product FROM pool_api_key_product WHERE member = ? ORDER BY key, product", {member},
                     [&](const sql::Row& row) {
                       const auto found = out.keys.find(row.text(0));
                       if (found != out.keys.end()) found->second.key.products.push_back(row.text(1));
                       return true;
                     }));
  for (KnownLease& one : HZ_TRY(live_leases_of(views, member)))
    if (one.owner == member && !one.secret.empty())
      out.lent.push_back({one.lease.lease, one.claim.product, one.lease.site, one.claim.backend, one.secret,
                          one.statement, one.ends_ms});
  return out;
}

}  // namespace hz::pool
