#include "talent/rules.h"

#include "statement/ids.h"
#include "talent/reasons.h"

namespace hz::talent {

Result<void> check(const Need& need) {
  constexpr std::int64_t figure_max = 1'000'000;
  if (!statement::is_component_id(need.component)) return fail(why("talent.id"), "component \"{}\"", need.component);
  if (!statement::is_id_of("skill", need.skill)) return fail(why("talent.id"), "skill \"{}\"", need.skill);
  if (need.people_min < 1 || need.people_min > figure_max)
    return fail(why("talent.range"), "{} people for {} on {}", need.people_min, need.skill, need.component);
  const std::int64_t min = need.port_hours_per_operator_min, max = need.port_hours_per_operator_max;
  if (min < 0 || min > max || max > figure_max)
    return fail(why("talent.range"), "{}..{} hours per operator for {} on {}", min, max, need.skill, need.component);
  return {};
}

}  // namespace hz::talent
