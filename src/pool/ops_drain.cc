// Operations on sites that execute: are they well, and do they take new work.
#include "pool/claims.h"
#include "pool/ops.h"
#include "pool/reasons.h"

namespace hz::pool {
namespace {

struct HealthRow {
  std::string site, adapter;
  SiteHealth health;
  std::vector<DeviceClass> inventory, offer;
  static constexpr auto fields() {
    return rows(row("site", &HealthRow::site, "site:<id>"), row("adapter", &HealthRow::adapter, "local or slurm"),
                row("health", &HealthRow::health, "how it is"), row("inventory", &HealthRow::inventory, "what it has"),
                row("offer", &HealthRow::offer, "what new work could take"));
  }
};
struct Health {
  std::optional<std::string> site;
  static constexpr auto fields() { return rows(row("site", &Health::site, "one site only")); }
};
struct HealthOut {
  std::vector<HealthRow> sites;
  static constexpr auto fields() { return rows(row("sites", &HealthOut::sites, "as in sites.json")); }
};

Result<HealthRow> ask(api::Ctx& ctx, const SiteConfig& config) {
  const auto site = HZ_TRY(open_site(site_world(ctx), config));
  HealthRow out{config.site, config.adapter, site->health(), {}, {}};
  if (auto has = site->inventory()) out.inventory = *std::move(has);
  if (auto offers = site->offer()) out.offer = *std::move(offers);
  return out;
}

Result<HealthOut> health(api::Ctx& ctx, const Health& in) {
  HZ_TRY(ctx.member());
  HealthOut out;
  if (in.site) {
    out.sites.push_back(HZ_TRY(ask(ctx, HZ_TRY(site_config(ctx.home, *in.site)))));
    return out;
  }
  for (const SiteConfig& config : HZ_TRY(site_configs(ctx.home))) out.sites.push_back(HZ_TRY(ask(ctx, config)));
  return out;
}
bool answer_is_no(const HealthOut& out) {
  for (const HealthRow& r : out.sites)
    if (!r.health.ok) return true;
  return false;
}
std::string text(const HealthOut& out, const api::Style& style) {
  if (out.sites.empty()) return "no site of this member executes: sites.json names none\n";
  std::vector<std::vector<std::string>> cells{{"site", "adapter", "health", "has", "free", ""}};
  const auto devices = [](const std::vector<DeviceClass>& list) {
    std::string said;
    for (const DeviceClass& d : list) said += fmt::format("{}{} {}", said.empty() ? "" : ", ", d.count, d.device);
    return said.empty() ? std::string("unknown") : said;
  };
  for (const HealthRow& r : out.sites)
    cells.push_back({r.site, r.adapter,
                     r.health.ok         ? style.green("ok")
                     : r.health.draining ? style.yellow("draining")
                                         : style.red(r.health.reason),
                     devices(r.inventory), devices(r.offer), r.health.detail});
  return api::table(cells, style);
}

struct Drain {
  std::string site;
  bool off = false;
  static constexpr auto fields() {
    return rows(row("site", &Drain::site, "site:<id>"), row("off", &Drain::off, "take new work again", or_default));
  }
};
struct DrainOut {
  HealthRow site;
  static constexpr auto fields() { return rows(row("site", &DrainOut::site, "how it is now")); }
};
Result<DrainOut> drain(api::Ctx& ctx, const Drain& in) {
  HZ_TRY(ctx.member());
  const SiteConfig config = HZ_TRY(site_config(ctx.home, in.site));
  HZ_TRY(HZ_TRY(open_site(site_world(ctx), config))->drain(!in.off));
  return DrainOut{HZ_TRY(ask(ctx, config))};
}
std::string text(const DrainOut& out, const api::Style& style) { return text(HealthOut{{out.site}}, style); }

}  // namespace

std::span<const api::Op> drain_ops() {
  static const api::Op table[] = {
      api::op<&health>({.id = "pool.site_health",
                        .http = "GET /v1/pool/sites/health",
                        .cli = "site health [site]",
                        .may = api::May::reader,
                        .fails = {"pool.site_config"},
                        .doc = "Whether this member's sites answer and take new work.",
                        .example = "hezong site health",
                        .more = "Exit code 3 when one does not.",
                        .local = true}),
      api::op<&drain>({.id = "pool.site_drain",
                       .http = "POST /v1/pool/sites/drain",
                       .cli = "site drain <site>",
                       .may = api::May::reader,
                       .fails = {"pool.site_config"},
                       .doc = "Let a site take no new work; what runs goes on.",
                       .example = "hezong site drain site:hall-a",
                       .local = true}),
  };
  return table;
}

}  // namespace hz::pool
