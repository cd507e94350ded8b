// Pure decisions about sites.
#pragma once
#include "pool/kinds.h"

namespace hz::pool {

// What may be signed. Errors: pool.site_id, pool.site_name, pool.jurisdiction, pool.range, pool.no_offer,
// pool.offer_twice.
Result<void> check(const Site& site);

// Errors: pool.product_id, pool.site_id, pool.claim_id, pool.weight, pool.target_twice, pool.evidence_id, pool.reason,
// pool.deadline.
Result<void> check(const Route& route);
// Errors: pool.key_id, pool.key_name, pool.key_hash, pool.product_id, pool.quota.
Result<void> check(const ApiKey& key);

// 1 to 64 of [0-9a-z-]: also the name of a file, so neither a dot nor a slash.
bool is_claim_id(std::string_view text);
// 16 lower-case hex digits.
bool is_key_id(std::string_view text);

// Errors: those of check(const ServerJob&), pool.evidence_id.
Result<void> check(const Job& job);

}  // namespace hz::pool
