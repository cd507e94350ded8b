// The drill's operations that read and plan. Reading order: what_if, drill_impact and plan answer, record signs.
#pragma once
#include <span>

#include "api/op.h"
#include "drill/impact.h"
#include "drill/plan.h"

namespace hz::drill {

struct WhatIf {
  std::vector<std::string> lose;
  std::optional<std::int64_t> control_bp;
  std::optional<std::int64_t> cut_order;
  static constexpr auto fields() {
    return rows(
        row("lose", &WhatIf::lose,
            "what is lost: entity:NAME, jurisdiction:CODE, owner:NAME, component:ID, "
            "service:HOST or any node id; * matches several"),
        row("control_bp", &WhatIf::control_bp, "holders of more than this control, hundredths of a percent (5000)"),
        row("cut_order", &WhatIf::cut_order, "largest set of losses looked for, 0 = none (4)"));
  }
};

struct MakePlan {
  std::optional<std::string> id;
  std::vector<std::string> lose;
  std::optional<std::int64_t> control_bp;
  static constexpr auto fields() {
    return rows(
        row("id", &MakePlan::id, "drill whose loss is planned for; the newest when there is no --lose either"),
        row("lose", &MakePlan::lose, "what is lost, as in drill what-if"),
        row("control_bp", &MakePlan::control_bp, "holders of more than this control, hundredths of a percent (5000)"));
  }
};

struct DrillImpact {
  std::optional<std::string> id;
  std::optional<std::int64_t> cut_order;
  static constexpr auto fields() {
    return rows(row("id", &DrillImpact::id, "drill, its first 6 digits are enough; the newest when absent"),
                row("cut_order", &DrillImpact::cut_order, "largest set of losses looked for, 0 = none (4)"));
  }
};

struct Recorded {
  alliance::Receipt receipt;
  std::int64_t substituted = 0, unsaved = 0;
  static constexpr auto fields() {
    return rows(row("receipt", &Recorded::receipt, "where the statement stands"),
                row("substituted", &Recorded::substituted, "products with a proven substitution"),
                row("unsaved", &Recorded::unsaved, "stopped products left without one, or late"));
  }
};

Result<Impact> what_if(api::Ctx& ctx, const WhatIf& in);
Result<Plan> plan(api::Ctx& ctx, const MakePlan& in);
Result<Impact> drill_impact(api::Ctx& ctx, const DrillImpact& in);
Result<Recorded> record(api::Ctx& ctx, const MakePlan& in);

std::string text(const Impact& out, const api::Style& style);
std::string text(const Plan& out, const api::Style& style);
std::string text(const Recorded& out, const api::Style& style);

// Exit code 3: some product stops / is left without a substitution in time.
bool answer_is_no(const Impact& out);
bool answer_is_no(const Plan& out);

std::span<const api::Op> ops();

}  // namespace hz::drill
