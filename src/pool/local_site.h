// Jobs on this machine: a keeper process per claim (pool/keeper.h), and no memory but the claim's folder.
#pragma once
#include "pool/claims.h"

namespace hz::pool {

std::unique_ptr<SiteAdapter> open_local_site(const SiteWorld& world, const SiteConfig& config);

}  // namespace hz::pool
