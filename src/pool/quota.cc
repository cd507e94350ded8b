#include "pool/quota.h"

namespace hz::pool {
namespace {
constexpr std::int64_t window_ms = 60'000;
}

std::expected<QuotaBook::Claim, std::int64_t> QuotaBook::reserve(const std::string& key, const Quota& quota,
                                                                 std::int64_t units, std::int64_t now_ms) {
  const std::int64_t window = now_ms / window_ms;
  Window& at = windows_[key];
  if (at.window != window) at = {window, {}};
  const bool requests = quota.requests_per_minute > 0 && at.used.requests + 1 > quota.requests_per_minute;
  const bool all_units = quota.units_per_minute > 0 && at.used.units + units > quota.units_per_minute;
  if (requests || all_units) return std::unexpected((window + 1) * window_ms - now_ms);
  ++at.used.requests;
  at.used.units += units;
  return Claim{key, window, units};
}

// A claim of an earlier minute changes nothing in this one.
void QuotaBook::settle(const Claim& claim, std::int64_t units_used) {
  const auto found = windows_.find(claim.key);
  if (found == windows_.end() || found->second.window != claim.window) return;
  found->second.used.units += units_used - claim.units;
}

void QuotaBook::release(const Claim& claim) {
  const auto found = windows_.find(claim.key);
  if (found == windows_.end() || found->second.window != claim.window) return;
  --found->second.used.requests;
  found->second.used.units -= claim.units;
}

QuotaBook::Used QuotaBook::used(const std::string& key, std::int64_t now_ms) const {
  const auto found = windows_.find(key);
  return found == windows_.end() || found->second.window != now_ms / window_ms ? Used{} : found->second.used;
}

}  // namespace hz::pool
