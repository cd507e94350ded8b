// Capacity that one member lends another: what is offered, claimed, leased, recalled and ended, and the owner's rule.
//
// The tempting way is an account for the other company on the machine, or a scheduler that both trust. An account gives
// more than was meant and nobody else can see what was agreed; a common scheduler is an operator, and there is none. So
// it is five signed facts, each by the one who is bound by it: the owner says what there is, the consumer what it
// wants, the owner decides and says at which price and until when, may take it back with notice, and either may end it.
// Whoever has both logs reads the same lease; nobody has to be asked.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "pool/job.h"
#include "statement/kind.h"

namespace hz::pool {

// What the owner asks, in millionths of a credit. A market would give these figures too; whatever reads a lease does
// not care where they come from.
struct Prices {
  std::int64_t per_device_hour = 0, per_million_tokens = 0, per_million_inferences = 0;
  bool operator==(const Prices&) const = default;
  static constexpr auto fields() {
    return rows(
        row("per_device_hour", &Prices::per_device_hour, "micro-credits for one device and hour"),
        row("per_million_tokens", &Prices::per_million_tokens, "micro-credits for a million tokens", or_default),
        row("per_million_inferences", &Prices::per_million_inferences, "micro-credits for a million inferences",
            or_default));
  }
};

// The signer lends devices of one class at its own site. A later statement of the same offer replaces it; with a count
// of 0 nothing more is lent under it, and what is leased stays.
struct Capacity {
  static constexpr std::string_view kind = "pool.capacity";
  std::string offer, site, device;
  std::int64_t count = 0, count_per_consumer_max = 0;
  Prices prices;
  std::string audience;
  std::int64_t from_ms = 0, until_ms = 0, recall_notice_ms = 0;
  JobLimits limits = {};
  static constexpr auto fields() {
    return rows(row("offer", &Capacity::offer, "id of the offer, 1 to 64 of [0-9a-z-]"),
                row("site", &Capacity::site, "site:<id> of the signer"),
                row("device", &Capacity::device, "class of device, as the site's adapter names it"),
                row("count", &Capacity::count, "devices at once; 0: no more"),
                row("count_per_consumer_max", &Capacity::count_per_consumer_max, "of one member at once; 0: no limit",
                    or_default),
                row("prices", &Capacity::prices, "what they cost"),
                row("audience", &Capacity::audience, "who may take them: an audience class"),
                row("from_ms", &Capacity::from_ms, "from then on, ms since 1970"),
                row("until_ms", &Capacity::until_ms, "no lease goes on beyond that, ms since 1970"),
                row("recall_notice_ms", &Capacity::recall_notice_ms,
                    "a recall is said at least so long before it takes effect"),
                row("limits", &Capacity::limits, "most that one server may take", or_default));
  }
};

// The signer wants a model server at the owner's site.
struct Claim {
  static constexpr std::string_view kind = "pool.claim";
  std::string claim, owner, offer, product, backend, model_sha256;
  JobLimits limits;
  std::int64_t count = 1, from_ms = 0, until_ms = 0;
  std::vector<std::string> jurisdictions, data_at;
  std::string evidence;
  static constexpr auto fields() {
    return rows(
        row("claim", &Claim::claim, "id of the claim, 1 to 64 of [0-9a-z-]; one is one for ever"),
        row("owner", &Claim::owner, "member whose offer it is"), row("offer", &Claim::offer, "id of the owner's offer"),
        row("product", &Claim::product, "product:<id> of the signer that is served"),
        row("backend", &Claim::backend, "backend:<engine> it is served on"),
        row("model_sha256", &Claim::model_sha256, "digest of the model, which the owner may fetch"),
        row("limits", &Claim::limits, "what the server may take"), row("count", &Claim::count, "devices"),
        row("from_ms", &Claim::from_ms, "wanted from then on, ms since 1970; past: at once"),
        row("until_ms", &Claim::until_ms, "wanted until then, ms since 1970"),
        row("jurisdictions", &Claim::jurisdictions,
            "where site and operator may stand, two capital letters each; none: anywhere"),
        row("data_at", &Claim::data_at,
            "whom model and requests may reach: site:<id>, entity:<id> or a member; none: whoever is in the "
            "jurisdictions"),
        row("evidence", &Claim::evidence, "statement that the model passed on this backend, or empty", or_default));
  }
};

// The signer's answer to a claim. What the prices were when it was given stands here, whatever the offer says later.
struct Lease {
  static constexpr std::string_view kind = "pool.lease";
  std::string lease, consumer, claim, offer, site, device;
  std::int64_t count = 0, from_ms = 0, until_ms = 0, recall_notice_ms = 0;
  Prices prices;
  std::string refused, detail;
  bool granted() const { return refused.empty(); }
  static constexpr auto fields() {
    return rows(row("lease", &Lease::lease, "id of the lease: that of lease_id(consumer, claim)"),
                row("consumer", &Lease::consumer, "member whose claim it is"),
                row("claim", &Lease::claim, "id of the consumer's claim"),
                row("offer", &Lease::offer, "id of the offer"),
                row("site", &Lease::site, "site:<id>, or empty when refused", or_default),
                row("device", &Lease::device, "class of device", or_default),
                row("count", &Lease::count, "devices that are held; 0 when refused"),
                row("from_ms", &Lease::from_ms, "from then on, ms since 1970"),
                row("until_ms", &Lease::until_ms, "until then, unless it ends before, ms since 1970"),
                row("recall_notice_ms", &Lease::recall_notice_ms, "least notice of a recall"),
                row("prices", &Lease::prices, "what it costs"),
                row("refused", &Lease::refused, "reason why there is none; empty: granted", or_default),
                row("detail", &Lease::detail, "a sentence about that", or_default));
  }
};

// The signer takes a lease of its own back, not before the notice is over. The first recall of a lease stands.
struct Recall {
  static constexpr std::string_view kind = "pool.recall";
  std::string lease;
  std::int64_t said_ms = 0, ends_ms = 0;
  std::string reason;
  static constexpr auto fields() {
    return rows(row("lease", &Recall::lease, "id of the lease"),
                row("said_ms", &Recall::said_ms, "when it was said, ms since 1970"),
                row("ends_ms", &Recall::ends_ms, "the lease ends then: at least the notice later"),
                row("reason", &Recall::reason, "why, for people", or_default));
  }
};

// Owner or consumer says that the lease is over. The consumer may say it at any time, also before there is a lease; the
// owner when its time was over or the consumer said so.
struct LeaseEnd {
  static constexpr std::string_view kind = "pool.lease_end";
  std::string owner, lease;
  std::int64_t ended_ms = 0;
  std::string reason;
  static constexpr auto fields() {
    return rows(row("owner", &LeaseEnd::owner, "member whose lease it is"),
                row("lease", &LeaseEnd::lease, "id of the lease"),
                row("ended_ms", &LeaseEnd::ended_ms, "when it ended, ms since 1970"),
                row("reason", &LeaseEnd::reason, "why, for people", or_default));
  }
};

// How the consumer's gateway reaches the server of a lease, sealed to the two of them: a credential for nothing else.
struct LeaseAccess {
  static constexpr std::string_view kind = "pool.lease_access";
  std::string lease, secret;
  static constexpr auto fields() {
    return rows(row("lease", &LeaseAccess::lease, "id of the lease"),
                row("secret", &LeaseAccess::secret, "bearer token for its server at the owner's gateway"));
  }
};

// Of a member's claim: both sides know it before there is a lease. Two members' claims of one name differ.
std::string lease_id(std::string_view consumer, std::string_view claim);

// Errors: pool.offer_id, pool.site_id, pool.device_class, pool.device_count, pool.price, pool.lease_window,
// pool.recall_notice, pool.job_limits, alliance.audience.
Result<void> check(const Capacity& capacity);
// Errors: those of check(const ServerJob&), pool.claim_owner, pool.offer_id, pool.device_count, pool.lease_window,
// pool.jurisdiction, pool.data_at, pool.evidence_id.
Result<void> check(const Claim& claim);
// Errors: pool.lease_id, pool.offer_id, pool.device_count, pool.lease_window, pool.price, pool.recall_notice.
Result<void> check(const Lease& lease);
// Errors: pool.lease_id, pool.reason.
Result<void> check(const Recall& recall);
Result<void> check(const LeaseEnd& end);
Result<void> check(const LeaseAccess& access);
// The recall keeps the notice of its lease. Errors: pool.recall_notice.
Result<void> check_notice(const Recall& recall, std::int64_t recall_notice_ms);

std::span<const statement::Kind> lease_kinds();

}  // namespace hz::pool
