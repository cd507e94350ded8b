#include "pool/rules.h"

#include <set>

#include "pool/reasons.h"
#include "statement/ids.h"

namespace hz::pool {

Result<void> check(const Site& site) {
  constexpr std::int64_t figure_max = 1'000'000'000'000;
  if (!statement::is_id_of("site", site.site)) return fail(why("pool.site_id"), "site \"{}\"", site.site);
  if (site.entity != "unknown" && !statement::is_id_of("entity", site.entity))
    return fail(why("pool.site_id"), "entity \"{}\" of {}", site.entity, site.site);
  if (!statement::is_shown_name(site.name)) return fail(why("pool.site_name"), "{}", site.site);
  if (!statement::is_jurisdiction(site.jurisdiction))
    return fail(why("pool.jurisdiction"), "\"{}\" of {}", site.jurisdiction, site.site);
  if (site.offers.empty()) return fail(why("pool.no_offer"), "{}", site.site);
  std::set<std::string_view> seen;
  for (const Offer& offer : site.offers) {
    if (!statement::is_id_of("backend", offer.backend))
      return fail(why("pool.site_id"), "backend \"{}\" at {}", offer.backend, site.site);
    if (!seen.insert(offer.backend).second) return fail(why("pool.offer_twice"), "{} at {}", offer.backend, site.site);
    const auto is_range = [](std::int64_t min, std::int64_t max) {
      return 0 <= min && min <= max && max <= figure_max;
    };
    if (!is_range(offer.price_fen_per_hour_min, offer.price_fen_per_hour_max))
      return fail(why("pool.range"), "price {}..{} fen an hour of {} at {}", offer.price_fen_per_hour_min,
                  offer.price_fen_per_hour_max, offer.backend, site.site);
    if (!is_range(offer.switch_minutes_min, offer.switch_minutes_max))
      return fail(why("pool.range"), "{}..{} minutes to switch of {} at {}", offer.switch_minutes_min,
                  offer.switch_minutes_max, offer.backend, site.site);
  }
  return {};
}

}  // namespace hz::pool
