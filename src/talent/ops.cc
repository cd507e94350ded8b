#include "talent/ops.h"

#include "talent/kinds.h"
#include "talent/rules.h"

namespace hz::talent {
namespace {

struct NeedAdded {
  Need need;
  alliance::Receipt receipt;
  static constexpr auto fields() {
    return rows(row("need", &NeedAdded::need, "what was signed"),
                row("receipt", &NeedAdded::receipt, "where it stands"));
  }
};

Result<NeedAdded> need_add(api::Ctx& ctx, const Need& need) {
  HZ_TRY(check(need));
  alliance::Member& member = *HZ_TRY(ctx.member());
  return NeedAdded{need, HZ_TRY(member.append(alliance::draft(need)))};
}

std::string text(const NeedAdded& out, const api::Style& style) {
  const Need& n = out.need;
  return fmt::format("{} {} needs {}: {} people, {}..{} hours per ported operator\nstatement {}\n",
                     style.green("added"), n.component, n.skill, n.people_min, n.port_hours_per_operator_min,
                     n.port_hours_per_operator_max, out.receipt.id);
}

}  // namespace

std::span<const api::Op> ops() {
  static const api::Op table[] = {
      api::op<&need_add>(
          {.id = "talent.need_add",
           .http = "POST /v1/talent/needs",
           .cli = "talent need add <component> <skill>",
           .may = api::May::author,
           .emits = {"talent.need"},
           .fails = {"talent.id", "talent.range"},
           .doc = "Declare which skill a component needs and how long porting an operator takes.",
           .example = "hezong talent need add backend:refrt skill:cpp-kernels --people-min 1 "
                      "--port-hours-per-operator-min 4 --port-hours-per-operator-max 24",
           .more = "Figures are declared, not measured. The newest need of a (component, skill) stands."}),
  };
  return table;
}

}  // namespace hz::talent
