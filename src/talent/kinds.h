// The statements of this pillar.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "statement/kind.h"

namespace hz::talent {

// Working on the component needs this skill. Declared, not measured.
struct Need {
  static constexpr std::string_view kind = "talent.need";
  std::string component;
  std::string skill;
  std::int64_t people_min = 1;
  std::int64_t port_hours_per_operator_min = 0, port_hours_per_operator_max = 0;
  static constexpr auto fields() {
    return rows(
        row("component", &Need::component, "component id, such as backend:refrt"),
        row("skill", &Need::skill, "skill:<id>"), row("people_min", &Need::people_min, "people needed at least"),
        row("port_hours_per_operator_min", &Need::port_hours_per_operator_min, "hours to port one operator, at best"),
        row("port_hours_per_operator_max", &Need::port_hours_per_operator_max, "hours to port one operator, at worst"));
  }
};

std::span<const statement::Kind> kinds();
std::string_view view_schema();

}  // namespace hz::talent
