#include "pool/ops.h"

#include "crypto/hash.h"
#include "pool/kinds.h"
#include "pool/rules.h"

namespace hz::pool {
namespace {

struct SiteAdd {
  std::string site, name;
  std::string entity = "unknown", jurisdiction = "unknown";
  std::vector<std::string> backend;
  std::int64_t price_fen_per_hour_min = 0, price_fen_per_hour_max = 0;
  std::int64_t switch_minutes_min = 0, switch_minutes_max = 0;
  static constexpr auto fields() {
    return rows(row("site", &SiteAdd::site, "site:<id>"), row("name", &SiteAdd::name, "name shown to people"),
                row("entity", &SiteAdd::entity, "entity:<id> that runs it; unknown when absent", or_default),
                row("jurisdiction", &SiteAdd::jurisdiction, "two capital letters (ISO 3166-1); unknown when absent",
                    or_default),
                row("backend", &SiteAdd::backend, "backend:<engine> that can run there, all at these figures"),
                row("price_fen_per_hour_min", &SiteAdd::price_fen_per_hour_min, "lowest price, fen an hour"),
                row("price_fen_per_hour_max", &SiteAdd::price_fen_per_hour_max, "highest price, fen an hour"),
                row("switch_minutes_min", &SiteAdd::switch_minutes_min, "minutes to switch a product there, at best"),
                row("switch_minutes_max", &SiteAdd::switch_minutes_max, "minutes to switch a product there, at worst"));
  }
};
struct SiteAdded {
  Site site;
  alliance::Receipt receipt;
  static constexpr auto fields() {
    return rows(row("site", &SiteAdded::site, "what was signed"),
                row("receipt", &SiteAdded::receipt, "where it stands"));
  }
};

Result<SiteAdded> site_add(api::Ctx& ctx, const SiteAdd& in) {
  Site site{in.site, in.name, in.entity, in.jurisdiction, {}};
  for (const std::string& backend : in.backend)
    site.offers.push_back(
        {backend, in.price_fen_per_hour_min, in.price_fen_per_hour_max, in.switch_minutes_min, in.switch_minutes_max});
  HZ_TRY(check(site));
  alliance::Member& member = *HZ_TRY(ctx.member());
  return SiteAdded{site, HZ_TRY(member.append(alliance::draft(site)))};
}

std::string text(const SiteAdded& out, const api::Style& style) {
  std::vector<std::vector<std::string>> cells{{"backend", "fen/hour", "minutes to switch"}};
  for (const Offer& o : out.site.offers)
    cells.push_back({o.backend, fmt::format("{}..{}", o.price_fen_per_hour_min, o.price_fen_per_hour_max),
                     fmt::format("{}..{}", o.switch_minutes_min, o.switch_minutes_max)});
  return fmt::format("{} {} ({}, {}, {})\n{}statement {}\n", style.green("added"), out.site.site, out.site.name,
                     out.site.entity, out.site.jurisdiction, api::table(cells, style), out.receipt.id);
}

std::span<const api::Op> site_ops() {
  static const api::Op table[] = {
      api::op<&site_add>(
          {.id = "pool.site_add",
           .http = "POST /v1/pool/sites",
           .cli = "pool site add <site>",
           .may = api::May::author,
           .emits = {"pool.site"},
           .fails = {"pool.site_id", "pool.site_name", "pool.jurisdiction", "pool.range", "pool.no_offer",
                     "pool.offer_twice"},
           .doc = "Declare a site and the backends that can run there.",
           .example = "hezong pool site add site:hz1 --name Hangzhou --jurisdiction CN --backend backend:refrt "
                      "--price-fen-per-hour-min 100 --price-fen-per-hour-max 200 --switch-minutes-min 5 "
                      "--switch-minutes-max 15",
           .more = "Figures are what the site declares; nothing is measured yet. Call it again for backends with other "
                   "figures: what a statement names is replaced, the rest stays."}),
  };
  return table;
}

}  // namespace

std::span<const api::Op> ops() {
  static const std::vector<api::Op> table = [] {
    std::vector<api::Op> out;
    for (const auto& part : {site_ops(), route_ops(), api_key_ops(), meter_ops(), job_ops(), drain_ops(), lend_ops(),
                             bill_ops(), reconcile_ops(), ledger_ops()})
      out.insert(out.end(), part.begin(), part.end());
    return out;
  }();
  return table;
}

}  // namespace hz::pool
