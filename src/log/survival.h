// Whether a quorum outlives the loss of a jurisdiction: of every witness whose node runs there, at once.
//
// Where a node runs is what its operator says, and many say nothing. Guessing them all elsewhere flatters, guessing
// them all lost cries wolf. So there are three answers: the quorum survives even if every witness that did not say is
// lost too; it fails even if none of them is; or it depends on them. Policies are monotone (more cosigners never hurt),
// so the two extremes decide for all cases between. Simulating single losses (breaking_losses) misses exactly this:
// three witnesses of which any one may go, all in one country.
#pragma once
#include <string_view>

#include "base/fields.h"
#include "log/policy.h"

namespace hz::log {

inline constexpr std::string_view unknown_jurisdiction = "unknown";

enum class Survival : std::uint8_t { survives, fails, unknown };
constexpr auto enum_names(Survival) {
  return std::array<EnumName<Survival>, 3>{
      {{Survival::survives, "survives"}, {Survival::fails, "fails"}, {Survival::unknown, "unknown"}}};
}

// `jurisdictions` has one entry per witness of the policy, in its order; missing entries and unknown_jurisdiction say
// nothing. Losing unknown_jurisdiction means: all witnesses that did not say, and nobody else. A policy without a
// quorum survives everything. Cost: two walks over the policy.
[[nodiscard]] Survival survival(const Policy& policy, std::span<const std::string> jurisdictions,
                                std::string_view lost);

}  // namespace hz::log
