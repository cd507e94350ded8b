#include <fmt/ranges.h>

#include "pool/lease.h"
#include "pool/reasons.h"
#include "sql/db.h"
#include "statement/statement.h"

namespace hz::pool {
namespace {

Result<void> replay_capacity(sql::Db& views, const statement::Statement& s, const Capacity& c) {
  HZ_TRY(check(c));
  return views.exec(
      "INSERT OR REPLACE INTO pool_capacity VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
      {s.issuer, c.offer, c.site, c.device, c.count, c.count_per_consumer_max, c.prices.per_device_hour,
       c.prices.per_million_tokens, c.prices.per_million_inferences, c.audience, c.from_ms, c.until_ms,
       c.recall_notice_ms, c.limits.memory_bytes_max, c.limits.pids_max, c.limits.wall_ms_max, s.id_text()});
}

// One claim is one for ever, and so is the answer to it: a second statement of either means nothing.
Result<void> replay_claim(sql::Db& views, const statement::Statement& s, const Claim& c) {
  HZ_TRY(check(c));
  return views.exec("INSERT OR IGNORE INTO pool_claim VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                    {s.issuer, c.claim, lease_id(s.issuer, c.claim), c.owner, c.offer, c.product, c.backend,
                     c.model_sha256, c.limits.memory_bytes_max, c.limits.pids_max, c.limits.wall_ms_max, c.count,
                     c.from_ms, c.until_ms, fmt::format("{}", fmt::join(c.jurisdictions, " ")),
                     fmt::format("{}", fmt::join(c.data_at, " ")), c.evidence, s.id_text()});
}

Result<void> replay_lease(sql::Db& views, const statement::Statement& s, const Lease& l) {
  HZ_TRY(check(l));
  return views.exec("INSERT OR IGNORE INTO pool_lease VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                    {s.issuer, l.lease, l.consumer, l.claim, l.offer, l.site, l.device, l.count, l.from_ms, l.until_ms,
                     l.recall_notice_ms, l.prices.per_device_hour, l.prices.per_million_tokens,
                     l.prices.per_million_inferences, l.refused, l.detail, s.id_text()});
}

// Lease and recall stand in one log, so their order is the same for everybody.
Result<void> replay_recall(sql::Db& views, const statement::Statement& s, const Recall& r) {
  HZ_TRY(check(r));
  const auto notice_ms = HZ_TRY(views.integer(
      "SELECT recall_notice_ms FROM pool_lease WHERE member = ? AND lease = ? AND refused = ''", {s.issuer, r.lease}));
  if (!notice_ms) return fail(why("pool.no_lease"), "{} of {}", r.lease, s.issuer);
  HZ_TRY(check_notice(r, *notice_ms));
  return views.exec("INSERT OR IGNORE INTO pool_lease_recall VALUES(?,?,?,?,?)",
                    {s.issuer, r.lease, r.ends_ms, r.reason, s.id_text()});
}

Result<void> replay_end(sql::Db& views, const statement::Statement& s, const LeaseEnd& e) {
  HZ_TRY(check(e));
  return views.exec("INSERT OR IGNORE INTO pool_lease_end VALUES(?,?,?,?,?,?)",
                    {s.issuer, e.owner, e.lease, e.ended_ms, e.reason, s.id_text()});
}

Result<void> replay_access(sql::Db& views, const statement::Statement& s, const LeaseAccess& a) {
  HZ_TRY(check(a));
  return views.exec("INSERT OR REPLACE INTO pool_lease_access VALUES(?,?,?,?)",
                    {s.issuer, a.lease, a.secret, s.id_text()});
}

}  // namespace

std::span<const statement::Kind> lease_kinds() {
  static const statement::Kind table[] = {
      statement::kind<Capacity, &replay_capacity>(
          {.number = 0x0330,
           .retention = statement::Retention::until_superseded,
           .doc = "The signer lends devices at its own site to members of an audience, at these prices."}),
      statement::kind<Claim, &replay_claim>(
          {.number = 0x0331, .doc = "The signer wants a model server under another member's offer."}),
      statement::kind<Lease, &replay_lease>(
          {.number = 0x0332, .doc = "The signer grants a claim under its own offer, or refuses it with a reason."}),
      statement::kind<Recall, &replay_recall>(
          {.number = 0x0333, .doc = "The signer takes a lease of its own back, with the notice that was agreed."}),
      statement::kind<LeaseEnd, &replay_end>(
          {.number = 0x0334, .doc = "The signer, owner or consumer of the lease, says that it is over."}),
      statement::kind<LeaseAccess, &replay_access>(
          {.number = 0x0335,
           .audience = "owner",
           .doc = "The credential for the server of a lease, sealed to the lease's owner and consumer."}),
  };
  return table;
}

}  // namespace hz::pool
