#include "pool/kinds.h"
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

}  // namespace

std::span<const statement::Kind> kinds() {
  static const statement::Kind table[] = {
      statement::kind<Site, &replay_site>(
          {.number = 0x0301,
           .retention = statement::Retention::until_superseded,
           .doc = "The signer offers these backends at this site, at these declared prices and switching times."}),
  };
  return table;
}

std::string_view view_schema() { return sql_text::views; }

}  // namespace hz::pool
