#include "pool/lease.h"

#include <algorithm>

#include "alliance/audience.h"
#include "crypto/hash.h"
#include "pool/api_key.h"
#include "pool/reasons.h"
#include "pool/rules.h"
#include "statement/ids.h"

namespace hz::pool {
namespace {

constexpr std::int64_t time_ms_max = 253'402'300'800'000;  // the year 10000
constexpr std::int64_t price_max = 1'000'000'000'000'000, count_max = 1'000'000;
constexpr std::int64_t notice_ms_max = 31'536'000'000;
constexpr std::size_t listed_max = 64;

Result<void> check_window(std::int64_t from_ms, std::int64_t until_ms, std::string_view what) {
  if (from_ms < 0 || until_ms <= from_ms || until_ms > time_ms_max)
    return fail(why("pool.lease_window"), "{} to {} of {}", from_ms, until_ms, what);
  return {};
}
Result<void> check_prices(const Prices& p, std::string_view what) {
  for (const std::int64_t price : {p.per_device_hour, p.per_million_tokens, p.per_million_inferences})
    if (price < 0 || price > price_max) return fail(why("pool.price"), "{} of {}", price, what);
  return {};
}
Result<void> check_reason(std::string_view reason, std::string_view what) {
  if (!reason.empty() && !statement::is_shown_name(reason)) return fail(why("pool.reason"), "of {}", what);
  return {};
}
Result<void> check_lease_id(std::string_view lease) {
  if (!is_claim_id(lease)) return fail(why("pool.lease_id"), "\"{}\"", lease);
  return {};
}
Result<void> check_device(std::string_view device, std::string_view what) {
  const bool plain = std::ranges::all_of(device, [](char c) { return c > ' ' && c < 0x7f; });
  if (device.empty() || device.size() > 64 || !plain) return fail(why("pool.device_class"), "of {}", what);
  return {};
}

}  // namespace

std::string lease_id(std::string_view consumer, std::string_view claim) {
  const Digest digest = crypto::sha256(as_bytes(fmt::format("hezong/lease/v1\n{}\n{}\n", consumer, claim)));
  return "l-" + hex(digest).substr(0, 24);
}

Result<void> check(const Capacity& c) {
  if (!is_claim_id(c.offer)) return fail(why("pool.offer_id"), "\"{}\"", c.offer);
  if (!statement::is_id_of("site", c.site)) return fail(why("pool.site_id"), "site \"{}\" of {}", c.site, c.offer);
  HZ_TRY(check_device(c.device, c.offer));
  for (const std::int64_t count : {c.count, c.count_per_consumer_max})
    if (count < 0 || count > count_max) return fail(why("pool.device_count"), "{} of {}", count, c.offer);
  HZ_TRY(check_prices(c.prices, c.offer));
  HZ_TRY(alliance::Audience::parse(c.audience));
  HZ_TRY(check_window(c.from_ms, c.until_ms, c.offer));
  if (c.recall_notice_ms < 0 || c.recall_notice_ms > notice_ms_max)
    return fail(why("pool.recall_notice"), "{} ms of {}", c.recall_notice_ms, c.offer);
  HZ_TRY(check(c.limits));
  return {};
}

Result<void> check(const Claim& c) {
  ServerJob asked;
  asked.claim = c.claim;
  asked.site = "site:any";  // which one is the owner's answer
  asked.product = c.product;
  asked.backend = c.backend;
  asked.model_sha256 = c.model_sha256;
  asked.limits = c.limits;
  HZ_TRY(check(asked));
  if (!statement::is_shown_name(c.owner)) return fail(why("pool.claim_owner"), "of {}", c.claim);
  if (!is_claim_id(c.offer)) return fail(why("pool.offer_id"), "\"{}\" of {}", c.offer, c.claim);
  if (c.count < 1 || c.count > count_max) return fail(why("pool.device_count"), "{} of {}", c.count, c.claim);
  HZ_TRY(check_window(c.from_ms, c.until_ms, c.claim));
  if (c.jurisdictions.size() > listed_max || c.data_at.size() > listed_max)
    return fail(why("pool.data_at"), "more than {} of {}", listed_max, c.claim);
  for (const std::string& where : c.jurisdictions)
    if (where == "unknown" || !statement::is_jurisdiction(where))
      return fail(why("pool.jurisdiction"), "\"{}\" of {}", where, c.claim);
  for (const std::string& at : c.data_at)
    if (!statement::is_shown_name(at) || at.find(' ') != std::string::npos)
      return fail(why("pool.data_at"), "of {}", c.claim);
  if (!c.evidence.empty() && !statement::is_sha256(c.evidence))
    return fail(why("pool.evidence_id"), "\"{}\" of {}", c.evidence, c.claim);
  return {};
}

Result<void> check(const Lease& l) {
  HZ_TRY(check_lease_id(l.lease));
  if (!is_claim_id(l.claim)) return fail(why("pool.claim_id"), "\"{}\" of {}", l.claim, l.lease);
  if (!statement::is_shown_name(l.consumer)) return fail(why("pool.claim_owner"), "of {}", l.lease);
  if (l.lease != lease_id(l.consumer, l.claim))
    return fail(why("pool.lease_id"), "{} is not that of {} and {}", l.lease, l.consumer, l.claim);
  if (!is_claim_id(l.offer)) return fail(why("pool.offer_id"), "\"{}\" of {}", l.offer, l.lease);
  HZ_TRY(check_prices(l.prices, l.lease));
  if (!l.granted()) {
    HZ_TRY(check_reason(l.detail, l.lease));
    return check_reason(l.refused, l.lease);
  }
  if (!statement::is_id_of("site", l.site)) return fail(why("pool.site_id"), "site \"{}\" of {}", l.site, l.lease);
  HZ_TRY(check_device(l.device, l.lease));
  if (l.count < 1 || l.count > count_max) return fail(why("pool.device_count"), "{} of {}", l.count, l.lease);
  if (l.recall_notice_ms < 0 || l.recall_notice_ms > notice_ms_max)
    return fail(why("pool.recall_notice"), "{} ms of {}", l.recall_notice_ms, l.lease);
  return check_window(l.from_ms, l.until_ms, l.lease);
}

Result<void> check(const Recall& r) {
  HZ_TRY(check_lease_id(r.lease));
  if (r.said_ms < 0 || r.ends_ms < r.said_ms || r.ends_ms > time_ms_max)
    return fail(why("pool.lease_window"), "{} to {} of {}", r.said_ms, r.ends_ms, r.lease);
  return check_reason(r.reason, r.lease);
}

Result<void> check(const LeaseEnd& e) {
  HZ_TRY(check_lease_id(e.lease));
  if (!statement::is_shown_name(e.owner)) return fail(why("pool.claim_owner"), "of {}", e.lease);
  if (e.ended_ms < 0 || e.ended_ms > time_ms_max)
    return fail(why("pool.lease_window"), "{} of {}", e.ended_ms, e.lease);
  return check_reason(e.reason, e.lease);
}

Result<void> check(const LeaseAccess& a) {
  HZ_TRY(check_lease_id(a.lease));
  if (!key_id_of(a.secret)) return fail(why("pool.key_id"), "the secret of {}", a.lease);
  return {};
}

Result<void> check_notice(const Recall& recall, std::int64_t recall_notice_ms) {
  if (recall.ends_ms - recall.said_ms < recall_notice_ms)
    return fail(why("pool.recall_notice"), "{}: {} ms after it was said, at least {}", recall.lease,
                recall.ends_ms - recall.said_ms, recall_notice_ms);
  return {};
}

}  // namespace hz::pool
