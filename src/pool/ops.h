#pragma once
#include <span>

#include "api/op.h"

namespace hz::pool {

std::span<const api::Op> ops();  // all of the following, and the pillar's first one
std::span<const api::Op> route_ops();
std::span<const api::Op> api_key_ops();
std::span<const api::Op> meter_ops();
std::span<const api::Op> job_ops();
std::span<const api::Op> drain_ops();
std::span<const api::Op> bill_ops();
std::span<const api::Op> reconcile_ops();
std::span<const api::Op> ledger_ops();
std::span<const api::Op> lend_ops();

// The end of what a job at an own site printed. Errors: pool.no_claim, pool.site_config.
Result<std::string> own_log(api::Ctx& ctx, const std::string& claim);

}  // namespace hz::pool
