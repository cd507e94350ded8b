#include "pool/taken.h"

#include <algorithm>

#include "alliance/body.h"
#include "crypto/hash.h"
#include "pool/reasons.h"
#include "pool/serving.h"
#include "sql/db.h"

namespace hz::pool {
namespace {

struct Known {
  Claim claim;
  bool given_up = false;
};
Result<std::vector<Known>> own_claims(sql::Db& views, const std::string& member) {
  std::vector<Known> out;
  HZ_TRY(
      views.query("SELECT c.claim, c.owner, c.offer, c.product, c.backend, c.until_ms, e.lease IS NOT NULL FROM "
                  "pool_claim c LEFT JOIN pool_lease_end e ON e.member = c.member AND e.owner = c.owner AND e.lease "
                  "= c.lease WHERE c.member = ? ORDER BY c.claim",
                  {member}, [&](const sql::Row& r) {
                    Known one;
                    one.claim.claim = r.text(0);
                    one.claim.owner = r.text(1);
                    one.claim.offer = r.text(2);
                    one.claim.product = r.text(3);
                    one.claim.backend = r.text(4);
                    one.claim.until_ms = r.integer(5);
                    one.given_up = r.integer(6) != 0;
                    out.push_back(std::move(one));
                    return true;
                  }));
  return out;
}

TakenRow row_of(const fs::path& home, const std::string& member, const Known& known, const KnownLease* lease,
                std::int64_t now_ms) {
  const Claim& c = known.claim;
  TakenRow out;
  out.claim = c.claim, out.lease = lease_id(member, c.claim), out.owner = c.owner, out.offer = c.offer;
  out.product = c.product, out.backend = c.backend;
  out.ends_ms = c.until_ms;
  if (known.given_up) out.reason = "cancelled";
  if (!lease) {
    out.state = known.given_up || now_ms >= c.until_ms ? TakenState::over : TakenState::waiting;
    return out;
  }
  out.site = lease->lease.site;
  out.ends_ms = lease->ends_ms;
  out.heard = heard_of(home, c.claim);
  if (!lease->lease.granted()) {
    out.state = TakenState::refused;
    out.reason = lease->lease.refused;
    out.detail = lease->lease.detail;
    return out;
  }
  if (lease->recalled_ms) out.reason = "recalled";
  if (lease->owner_ended_ms && out.reason.empty()) out.reason = lease->end_reason;
  std::error_code error;
  const bool served = fs::exists(home / "serving" / (c.claim + ".json"), error);
  const bool failed = out.heard && out.heard->observed.state == JobState::failed;
  const bool ended = out.heard && out.heard->observed.state == JobState::ended;
  if (failed && !out.heard->observed.reason.empty()) {
    out.reason = out.heard->observed.reason;
    out.detail = out.heard->observed.detail;
  } else if (out.heard && out.heard->observed.state != JobState::ready) {
    out.detail = out.heard->observed.detail;
  }
  out.state = lease->over(now_ms) || ended    ? TakenState::over
              : now_ms < lease->lease.from_ms ? TakenState::granted
              : failed                        ? TakenState::failed
              : served                        ? TakenState::ready
                                              : TakenState::starting;
  return out;
}

Result<std::vector<TakenRow>> rows_of(api::Ctx& ctx) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  sql::Db& views = *HZ_TRY(member.views());
  const std::vector<KnownLease> leases = HZ_TRY(leases_of(views, member.id()));
  std::vector<TakenRow> out;
  for (const Known& known : HZ_TRY(own_claims(views, member.id()))) {
    const auto lease = std::ranges::find_if(leases, [&](const KnownLease& one) {
      return one.owner == known.claim.owner && one.lease.consumer == member.id() &&
             one.lease.claim == known.claim.claim;
    });
    out.push_back(
        row_of(ctx.home, member.id(), known, lease == leases.end() ? nullptr : &*lease, ctx.clock().now_ms()));
  }
  return out;
}

}  // namespace

Result<alliance::Receipt> take(api::Ctx& ctx, TakeIn in) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  sql::Db& views = *HZ_TRY(member.views());
  const std::int64_t now_ms = ctx.clock().now_ms();
  std::vector<OwnersOffer> found;
  for (OwnersOffer& one : HZ_TRY(capacities(views)))
    if (one.capacity.offer == in.offer && (!in.owner || one.owner == *in.owner)) found.push_back(std::move(one));
  if (!in.owner && found.size() > 1)
    std::erase_if(found, [&](const OwnersOffer& one) { return one.owner == member.id(); });
  if (found.empty()) return fail(why("pool.offer_gone"), "{}", in.offer);
  if (found.size() > 1)
    return fail(why("pool.offer_ambiguous"), "{}: {} and {}", in.offer, found[0].owner, found[1].owner);
  const Capacity& capacity = found[0].capacity;
  Claim& claim = in.claim;
  claim.owner = found[0].owner;
  claim.offer = in.offer;
  claim.until_ms = std::min(claim.until_ms, capacity.until_ms);
  if (claim.owner == member.id()) return fail(why("pool.offer_own"), "{} at {}", in.offer, capacity.site);
  if (capacity.count == 0) return fail(why("pool.offer_gone"), "{} of {}", in.offer, claim.owner);
  if (capacity.until_ms <= now_ms || claim.from_ms < capacity.from_ms)
    return fail(why("pool.offer_window"), "{} of {}", in.offer, claim.owner);
  HZ_TRY(check(claim));
  const Place place = HZ_TRY(place_of(views, claim.owner, capacity.site));
  if (std::ranges::find(place.backends, claim.backend) == place.backends.end())
    return fail(why("pool.offer_backend"), "{} at {}", claim.backend, capacity.site);
  HZ_TRY(may_be_at(claim, place));
  std::error_code error;
  if (fs::exists(ctx.home / "site" / "claims" / claim.claim, error))
    return fail(why("pool.claim_conflict"), "{} is a job at an own site", claim.claim);
  for (const Known& known : HZ_TRY(own_claims(views, member.id())))
    if (known.claim.claim == claim.claim)
      return fail(why("pool.claim_conflict"), "{} is {} at {}", claim.claim, known.claim.product, known.claim.owner);
  return member.append(alliance::draft(claim, {}, crypto::sha256({as_bytes("pool.claim"), as_bytes(claim.claim)})));
}

Result<std::vector<TakenRow>> taken(api::Ctx& ctx, bool all) {
  auto out = HZ_TRY(rows_of(ctx));
  if (!all)
    std::erase_if(out, [](const TakenRow& r) { return r.state == TakenState::over || r.state == TakenState::refused; });
  return out;
}

Result<std::optional<TakenRow>> taken(api::Ctx& ctx, const std::string& claim) {
  for (TakenRow& row : HZ_TRY(rows_of(ctx)))
    if (row.claim == claim) return std::optional(std::move(row));
  return std::optional<TakenRow>();
}

Result<TakenRow> give_up(api::Ctx& ctx, const std::string& claim) {
  const auto found = HZ_TRY(taken(ctx, claim));
  if (!found) return fail(why("pool.no_claim"), "{}", claim);
  if (found->state == TakenState::over || found->state == TakenState::refused) return *found;
  alliance::Member& member = *HZ_TRY(ctx.member());
  const LeaseEnd said{found->owner, found->lease, ctx.clock().now_ms(), "cancelled"};
  HZ_TRY(
      member.append(alliance::draft(said, {}, crypto::sha256({as_bytes("pool.lease_end"), as_bytes(found->lease)}))));
  HZ_TRY(drop_serving_file(ctx.home / "serving", claim));
  return HZ_TRY(taken(ctx, claim)).value_or(*found);
}

Result<void> not_lent(api::Ctx& ctx, const std::string& claim) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  for (const KnownLease& one : HZ_TRY(leases_of(*HZ_TRY(member.views()), member.id())))
    if (one.owner == member.id() && one.lease.lease == claim && one.holds(ctx.clock().now_ms()))
      return fail(why("pool.lease_running"), "{} of {}", claim, one.lease.consumer);
  return {};
}

}  // namespace hz::pool
