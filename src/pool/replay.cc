#include <fmt/ranges.h>

#include "pool/kinds.h"
#include "pool/lease.h"
#include "pool/reasons.h"
#include "pool/receipt.h"
#include "pool/rules.h"
#include "pool/sql_text.h"
#include "sql/db.h"
#include "statement/statement.h"

namespace hz::pool {
namespace {

Result<void> replay_site(sql::Db& views, const statement::Statement& s, const Site& site) {
  HZ_TRY(check(site));
  HZ_TRY(views.exec("INSERT OR REPLACE INTO pool_site VALUES(?,?,?,?,?)",
                    {s.issuer, site.site, site.name, site.entity, site.jurisdiction}));
  for (const Offer& o : site.offers)
    HZ_TRY(views.exec("INSERT OR REPLACE INTO pool_offer VALUES(?,?,?,?,?,?,?,?)",
                      {s.issuer, site.site, o.backend, o.price_fen_per_hour_min, o.price_fen_per_hour_max,
                       o.switch_minutes_min, o.switch_minutes_max, s.id_text()}));
  return {};
}

Result<void> replay_route(sql::Db& views, const statement::Statement& s, const Route& route) {
  HZ_TRY(check(route));
  HZ_TRY(views.exec("DELETE FROM pool_route_target WHERE member = ? AND product = ?", {s.issuer, route.product}));
  if (route.targets.empty())
    return views.exec("DELETE FROM pool_route WHERE member = ? AND product = ?", {s.issuer, route.product});
  HZ_TRY(views.exec("INSERT OR REPLACE INTO pool_route VALUES(?,?,?,?,?,?)",
                    {s.issuer, route.product, route.reason, route.deadline_ms,
                     fmt::format("{}", fmt::join(route.evidence, " ")), s.id_text()}));
  for (std::size_t place = 0; place < route.targets.size(); ++place) {
    const Target& t = route.targets[place];
    HZ_TRY(
        views.exec("INSERT INTO pool_route_target VALUES(?,?,?,?,?,?,?)",
                   {s.issuer, route.product, static_cast<std::int64_t>(place), t.claim, t.site, t.backend, t.weight}));
  }
  return {};
}

Result<void> replay_key(sql::Db& views, const statement::Statement& s, const ApiKey& key) {
  HZ_TRY(check(key));
  HZ_TRY(views.exec("DELETE FROM pool_api_key_product WHERE member = ? AND key = ?", {s.issuer, key.key}));
  HZ_TRY(views.exec("INSERT OR REPLACE INTO pool_api_key VALUES(?,?,?,?,?,?,?,?,?)",
                    {s.issuer, key.key, key.name, key.secret_sha256, key.requests_per_minute, key.units_per_minute,
                     key.expires_ms, key.member, s.id_text()}));
  for (const std::string& product : key.products)
    HZ_TRY(views.exec("INSERT OR IGNORE INTO pool_api_key_product VALUES(?,?,?)", {s.issuer, key.key, product}));
  return {};
}

Result<void> replay_key_revoked(sql::Db& views, const statement::Statement& s, const ApiKeyRevoked& revoked) {
  if (!is_key_id(revoked.key)) return fail(why("pool.key_id"), "\"{}\"", revoked.key);
  return views.exec("INSERT OR IGNORE INTO pool_api_key_revoked VALUES(?,?,?)", {s.issuer, revoked.key, s.id_text()});
}

// A claim is one job for ever: a second statement of it means nothing.
Result<void> replay_job(sql::Db& views, const statement::Statement& s, const Job& job) {
  HZ_TRY(check(job));
  return views.exec(
      "INSERT OR IGNORE INTO pool_job VALUES(?,?,?,?,?,?,?,?)",
      {s.issuer, job.claim, job.site, job.product, job.backend, job.model_sha256, job.evidence, s.id_text()});
}

}  // namespace

namespace {
std::span<const statement::Kind> own_kinds() {
  static const statement::Kind table[] = {
      statement::kind<Site, &replay_site>(
          {.number = 0x0301,
           .retention = statement::Retention::until_superseded,
           .doc = "The signer offers these backends at this site, at these declared prices and switching times."}),
      statement::kind<Route, &replay_route>(
          {.number = 0x0310,
           .retention = statement::Retention::until_superseded,
           .doc = "The signer's gateway sends this product's requests to these model servers."}),
      statement::kind<ApiKey, &replay_key>(
          {.number = 0x0311,
           .retention = statement::Retention::until_superseded,
           .doc = "Whoever knows the secret of this hash may call these products through the signer's gateway."}),
      statement::kind<ApiKeyRevoked, &replay_key_revoked>(
          {.number = 0x0312, .doc = "The API key is good for nothing from here on."}),
      statement::kind<Job, &replay_job>(
          {.number = 0x0320, .doc = "The signer started this model server at its own site."}),
  };
  return table;
}
}  // namespace

std::span<const statement::Kind> kinds() {
  static const std::vector<statement::Kind> table = [] {
    std::vector<statement::Kind> out;
    for (const auto& part : {own_kinds(), lease_kinds(), bill_kinds()}) out.insert(out.end(), part.begin(), part.end());
    return out;
  }();
  return table;
}

std::string_view view_schema() { return sql_text::views; }

}  // namespace hz::pool
