// What several operations of this pillar share.
#pragma once
#include "api/op.h"
#include "pool/claims.h"

namespace hz::pool {

inline constexpr std::string_view default_unit = "credit";

// Titles are in the time of whoever asks, so the clock is the command's.
inline SiteWorld metered_world(const api::Ctx& ctx) {
  return {ctx.home, {ctx.tool_dirs.begin(), ctx.tool_dirs.end()}, ctx.seams.clock};
}

}  // namespace hz::pool
