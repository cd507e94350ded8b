// Pure decisions about sites.
#pragma once
#include "pool/kinds.h"

namespace hz::pool {

// What may be signed. Errors: pool.site_id, pool.site_name, pool.jurisdiction, pool.range, pool.no_offer,
// pool.offer_twice.
Result<void> check(const Site& site);

}  // namespace hz::pool
