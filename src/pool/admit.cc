#include "pool/admit.h"

#include <algorithm>
#include <map>

#include "pool/reasons.h"

namespace hz::pool {
namespace {
bool has(const std::vector<std::string>& list, std::string_view one) {
  return std::ranges::find(list, one) != list.end();
}
}  // namespace

Result<void> may_be_at(const Claim& claim, const Place& place) {
  const auto& where = claim.jurisdictions;
  if (!where.empty() && !has(where, place.jurisdiction))
    return fail(why("pool.place_jurisdiction"), "{} stands in {}", place.site, place.jurisdiction);
  if (!where.empty() && !has(where, place.operator_jurisdiction))
    return fail(why("pool.place_jurisdiction"), "{}, which runs {}, is of {}",
                place.entity == "unknown" ? place.member : place.entity, place.site, place.operator_jurisdiction);
  const auto& at = claim.data_at;
  const auto listed = [&](std::string_view one) { return one != "unknown" && has(at, one); };
  if (!at.empty() && !listed(place.site) && !listed(place.entity) && !listed(place.member))
    return fail(why("pool.place_data"), "{} of {}", place.site, place.member);
  return {};
}

std::int64_t held_at_most(const std::vector<Held>& held, std::int64_t from_ms, std::int64_t until_ms,
                          std::string_view consumer) {
  std::map<std::int64_t, std::int64_t> changes;
  for (const Held& h : held) {
    if (!consumer.empty() && h.consumer != consumer) continue;
    const std::int64_t begin = std::max(h.from_ms, from_ms), end = std::min(h.ends_ms, until_ms);
    if (begin >= end) continue;
    changes[begin] += h.count;
    changes[end] -= h.count;
  }
  std::int64_t now = 0, most = 0;
  for (const auto& [at, change] : changes) most = std::max(most, now += change);
  return most;
}

Lease admit(const Claim& claim, std::string_view consumer, const Desk& desk, std::int64_t now_ms) {
  Lease out;
  out.consumer = consumer;
  out.claim = claim.claim;
  out.lease = lease_id(consumer, claim.claim);
  out.offer = claim.offer;
  out.from_ms = std::max(claim.from_ms, now_ms);
  out.until_ms = claim.until_ms;
  const auto no = [&](const Reason& reason, std::string detail) {
    out.refused = reason.slug;
    out.detail = std::move(detail);
    out.count = 0;
    return out;
  };
  // Who may not know of the offer hears what it would hear if there were none.
  if (!desk.capacity || !desk.in_audience) return no(why("pool.offer_gone"), {});
  const Capacity& c = *desk.capacity;
  out.site = c.site;
  out.device = c.device;
  out.prices = c.prices;
  out.recall_notice_ms = c.recall_notice_ms;
  if (c.count == 0) return no(why("pool.offer_gone"), {});
  if (out.from_ms < c.from_ms || out.until_ms > c.until_ms || out.until_ms <= out.from_ms)
    return no(why("pool.offer_window"), {});
  if (!has(desk.place.backends, claim.backend)) return no(why("pool.offer_backend"), claim.backend);
  if (!fits(claim.limits, c.limits))
    return no(why("pool.job_limits"), fmt::format("at most {} MiB, {} processes, {} s", c.limits.memory_bytes_max >> 20,
                                                  c.limits.pids_max, c.limits.wall_ms_max / 1000));
  if (const auto place = may_be_at(claim, desk.place); !place)
    return no(*place.error().reason, std::string(place.error().detail));
  if (!desk.has_user) return no(why("pool.lease_user"), {});
  const std::int64_t most = held_at_most(desk.held, out.from_ms, out.until_ms);
  if (most + claim.count > c.count)
    return no(why("pool.offer_taken"), fmt::format("{} of {} are taken", most, c.count));
  if (desk.at_site > 0) {
    std::vector<Held> all = desk.held;
    all.insert(all.end(), desk.elsewhere.begin(), desk.elsewhere.end());
    const std::int64_t lent = held_at_most(all, out.from_ms, out.until_ms);
    if (lent + claim.count > desk.at_site)
      return no(why("pool.offer_taken"),
                fmt::format("{} of the {} at {} are lent, also under other offers", lent, desk.at_site, c.site));
  }
  const std::int64_t own = held_at_most(desk.held, out.from_ms, out.until_ms, consumer);
  if (c.count_per_consumer_max > 0 && own + claim.count > c.count_per_consumer_max)
    return no(why("pool.offer_quota"), fmt::format("{} of {} are held", own, c.count_per_consumer_max));
  out.count = claim.count;
  return out;
}

}  // namespace hz::pool
