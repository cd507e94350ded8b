#include "pool/rules.h"

#include <algorithm>
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

bool is_claim_id(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-'; });
}

bool is_key_id(std::string_view text) {
  return text.size() == 16 &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Result<void> check(const Route& route) {
  constexpr std::size_t targets_max = 64, evidence_max = 64;
  constexpr std::int64_t weight_max = 10'000, deadline_ms_max = 3'600'000;
  if (!statement::is_id_of("product", route.product)) return fail(why("pool.product_id"), "\"{}\"", route.product);
  if (route.targets.size() > targets_max)
    return fail(why("pool.target_twice"), "{} has {} targets, at most {}", route.product, route.targets.size(),
                targets_max);
  std::set<std::string_view> seen;
  for (const Target& t : route.targets) {
    if (!is_claim_id(t.claim)) return fail(why("pool.claim_id"), "\"{}\" of {}", t.claim, route.product);
    if (!statement::is_id_of("site", t.site)) return fail(why("pool.site_id"), "site \"{}\" of {}", t.site, t.claim);
    if (!statement::is_id_of("backend", t.backend))
      return fail(why("pool.site_id"), "backend \"{}\" of {}", t.backend, t.claim);
    if (t.weight < 0 || t.weight > weight_max)
      return fail(why("pool.weight"), "{} of {}, 0 to {}", t.weight, t.claim, weight_max);
    if (!seen.insert(t.claim).second) return fail(why("pool.target_twice"), "{} of {}", t.claim, route.product);
  }
  if (route.evidence.size() > evidence_max || !std::ranges::all_of(route.evidence, statement::is_sha256))
    return fail(why("pool.evidence_id"), "of {}, at most {}", route.product, evidence_max);
  if (!route.reason.empty() && !statement::is_shown_name(route.reason))
    return fail(why("pool.reason"), "of {}", route.product);
  if (route.deadline_ms < 1 || route.deadline_ms > deadline_ms_max)
    return fail(why("pool.deadline"), "{} ms of {}, 1 to {}", route.deadline_ms, route.product, deadline_ms_max);
  return {};
}

Result<void> check(const ApiKey& key) {
  constexpr std::size_t products_max = 256;
  constexpr std::int64_t limit_max = 1'000'000'000'000;
  if (!is_key_id(key.key)) return fail(why("pool.key_id"), "\"{}\"", key.key);
  if (!statement::is_shown_name(key.name)) return fail(why("pool.key_name"), "{}", key.key);
  if (!key.member.empty() && !statement::is_shown_name(key.member))
    return fail(why("pool.key_name"), "the member that is billed for {}", key.name);
  if (!statement::is_sha256(key.secret_sha256)) return fail(why("pool.key_hash"), "{}", key.key);
  if (key.products.empty() || key.products.size() > products_max)
    return fail(why("pool.product_id"), "{} products of {}, 1 to {}", key.products.size(), key.name, products_max);
  for (const std::string& product : key.products)
    if (!statement::is_id_of("product", product))
      return fail(why("pool.product_id"), "\"{}\" of {}", product, key.name);
  for (const std::int64_t limit : {key.requests_per_minute, key.units_per_minute, key.expires_ms / 1000})
    if (limit < 0 || limit > limit_max) return fail(why("pool.quota"), "{} of {}", limit, key.name);
  return {};
}

Result<void> check(const Job& job) {
  ServerJob asked;
  asked.claim = job.claim;
  asked.site = job.site;
  asked.product = job.product;
  asked.backend = job.backend;
  asked.model_sha256 = job.model_sha256;
  asked.limits = job.limits;
  HZ_TRY(check(asked));
  if (!job.evidence.empty() && !statement::is_sha256(job.evidence))
    return fail(why("pool.evidence_id"), "\"{}\" of {}", job.evidence, job.claim);
  return {};
}

}  // namespace hz::pool
