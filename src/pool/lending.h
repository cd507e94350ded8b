// What the views say about lent capacity, as owner and consumer ask it; and what a consumer last heard of its servers.
#pragma once
#include <optional>

#include "alliance/audience.h"
#include "base/fs.h"
#include "pool/admit.h"
#include "pool/site_config.h"

namespace hz::sql {
class Db;
}

namespace hz::pool {

struct KnownClaim {
  std::string consumer;
  Claim claim;
  std::string statement;  // id, hex
};
// Claims at this owner that have no answer of it and that their consumer still wants, in a fixed order. Errors: sql.*.
Result<std::vector<KnownClaim>> unanswered_claims(sql::Db& views, const std::string& owner);

struct KnownLease {
  std::string owner;
  Lease lease;
  Claim claim;  // which it answers
  std::int64_t ends_ms = 0;
  std::optional<std::int64_t> recalled_ms, owner_ended_ms, consumer_ended_ms;
  std::string secret;  // at owner and consumer, once the body is here
  std::string statement;
  std::string end_reason;  // as the owner said it
  // It holds devices at that time.
  bool holds(std::int64_t now_ms) const {
    return lease.granted() && !owner_ended_ms && lease.from_ms <= now_ms && now_ms < ends_ms;
  }
  // It is over for good: nothing that is said later brings it back.
  bool over(std::int64_t now_ms) const { return owner_ended_ms || consumer_ended_ms || now_ms >= ends_ms; }
};
// Answered claims where the member is owner or consumer, refused ones too, by owner and lease. Errors: sql.*.
Result<std::vector<KnownLease>> leases_of(sql::Db& views, const std::string& member);
// Those that were granted and whose owner has not said that they are over: what a node looks at all the time.
Result<std::vector<KnownLease>> live_leases_of(sql::Db& views, const std::string& member);

// The offer as it stands; nullopt when it was never made. Errors: sql.*.
Result<std::optional<Capacity>> capacity_of(sql::Db& views, const std::string& owner, const std::string& offer);
struct OwnersOffer {
  std::string owner;
  Capacity capacity;
  std::string statement;
};
// Every offer of every member that can be read here, by owner and offer.
Result<std::vector<OwnersOffer>> capacities(sql::Db& views);
// Where a server of this owner's site would stand, as far as it is known here.
Result<Place> place_of(sql::Db& views, const std::string& owner, const std::string& site);
// Leases of the offer that were granted, each until it ends.
Result<std::vector<Held>> held_of(sql::Db& views, const std::string& owner, const std::string& offer);
// The same of all other offers of these devices at that site.
Result<std::vector<Held>> held_elsewhere(sql::Db& views, const std::string& owner, const Capacity& capacity);

// Whom the owner's offer is for, among members; the owner itself is always meant. Errors: alliance.audience.
Result<bool> is_meant(const Capacity& capacity, const std::string& owner, const std::string& consumer,
                      const alliance::MembershipFacts& facts, std::int64_t now_ms);

// The local account for jobs of this member: its own, else the one for all, else none.
std::optional<std::string> lent_user(const SiteConfig& config, std::string_view member);

// What a consumer's node last heard of a server at another member's site: taken/<claim>.json.
struct Heard {
  std::string lease, owner;
  std::int64_t at_ms = 0;
  Observed observed;
  JobUsage usage;
  static constexpr auto fields() {
    return rows(row("lease", &Heard::lease, "id of the lease"), row("owner", &Heard::owner, "whose site it is"),
                row("at_ms", &Heard::at_ms, "when it was heard, ms since 1970"),
                row("observed", &Heard::observed, "what the owner's node said"),
                row("usage", &Heard::usage, "what it used, as the owner's node said"));
  }
};
// Safe on any bytes. Errors: pool.heard, base.json_*.
Result<Heard> read_heard(std::string_view text);
// nullopt: nothing was heard yet.
std::optional<Heard> heard_of(const fs::path& home, const std::string& claim);
// Errors: base.write.
Result<void> keep_heard(const fs::path& home, const std::string& claim, const Heard& heard);

}  // namespace hz::pool
