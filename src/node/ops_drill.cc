// Drills: open one, list them, look where each product stands.
#include "drill/reasons.h"
#include "drill/rehearsal.h"
#include "node/drill_rows.h"
#include "node/ops.h"
#include "sql/db.h"

namespace hz::node {
namespace {

using drill::DrillOpened;
using drill::KnownDrill;
using drill::ProductState;

struct New {
  std::vector<std::string> lose;
  bool live = false;
  std::optional<std::int64_t> control_bp;
  static constexpr auto fields() {
    return rows(
        row("lose", &New::lose, "what is lost, as in drill what-if"),
        row("live", &New::live, "traffic will move; else it is a table-top drill", or_default),
        row("control_bp", &New::control_bp, "holders of more than this control, hundredths of a percent (5000)"));
  }
};
struct Opened {
  std::string drill;
  std::int64_t stopped = 0, saved = 0, unsaved = 0;
  alliance::Receipt receipt;
  static constexpr auto fields() {
    return rows(row("drill", &Opened::drill, "its id"), row("stopped", &Opened::stopped, "products that stop"),
                row("saved", &Opened::saved, "products with a proven substitution in time"),
                row("unsaved", &Opened::unsaved, "stopped products without one, or late"),
                row("receipt", &Opened::receipt, "where it stands"));
  }
};
Result<Opened> open_drill(api::Ctx& ctx, const New& in) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  const std::int64_t control_bp = in.control_bp.value_or(drill::control_bp_default);
  const auto rehearsal = HZ_TRY(drill::Rehearsal::of(*HZ_TRY(member.views()), in.lose, control_bp));
  const drill::Plan plan = HZ_TRY(rehearsal->plan());
  const DrillOpened said{in.lose, control_bp, in.live ? drill::Mode::live : drill::Mode::table_top,
                         member.frontier().digest};
  Opened out;
  out.saved = plan.substituted;
  out.unsaved = plan.late + plan.unsaved;
  out.stopped = out.saved + out.unsaved;
  out.receipt = HZ_TRY(member.append(alliance::draft(said)));
  out.drill = out.receipt.id;
  return out;
}
std::string text(const Opened& out, const api::Style& style) {
  return fmt::format(
      "{} drill {}: {} products stop, {} have a proven substitute, {} have none in time\n"
      "next: hezong drill impact {}, then plan, then apply --dry-run\n",
      style.green("opened"), out.drill.substr(0, 12), out.stopped, out.saved, out.unsaved, out.drill.substr(0, 12));
}

struct List {
  static constexpr auto fields() { return rows(); }
};
struct Drills {
  std::vector<DrillRow> drills;
  alliance::Frontier frontier;
  static constexpr auto fields() {
    return rows(row("drills", &Drills::drills, "oldest first"), row("frontier", &Drills::frontier, "as of"));
  }
};
Result<Drills> list(api::Ctx& ctx, const List&) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  Drills out;
  for (const KnownDrill& one : HZ_TRY(drill::known_drills(*HZ_TRY(member.views())))) out.drills.push_back(row_of(one));
  out.frontier = member.frontier();
  return out;
}
std::string text(const Drills& out, const api::Style& style) {
  if (out.drills.empty()) return "no drill yet: hezong drill new --lose TARGET\n";
  std::vector<std::vector<std::string>> cells{{"drill", "mode", "loses", "at the substitute", "back"}};
  for (const DrillRow& one : out.drills) {
    std::size_t there = 0, back = 0;
    for (const ProductState& p : one.products) {
      there += drill::is_over_there(p.stage);
      back += p.back_ms >= 0;
    }
    cells.push_back(
        {one.drill.substr(0, 12), one.mode, joined(one.targets), std::to_string(there), std::to_string(back)});
  }
  return api::table(cells, style) + fmt::format("as of frontier {}\n", out.frontier.digest.substr(0, 16));
}

struct Status {
  std::optional<std::string> id;
  static constexpr auto fields() {
    return rows(row("id", &Status::id, "drill, its first 6 digits are enough; the newest when absent"));
  }
};
Result<DrillRow> status(api::Ctx& ctx, const Status& in) { return row_of(HZ_TRY(find_drill(ctx, in.id))); }

}  // namespace

std::span<const api::Op> drill_ops() {
  static const api::Op table[] = {
      api::op<&open_drill>({.id = "drill.new",
                            .http = "POST /v1/drills",
                            .cli = "drill new",
                            .may = api::May::author,
                            .emits = {DrillOpened::kind},
                            .fails = {"drill.target", "drill.unknown_target", "drill.no_target", "drill.control_bp"},
                            .doc = "Begin a drill: what is lost from now on, on the table or for real.",
                            .example = "hezong drill new --lose entity:microsoft --live"}),
      api::op<&list>({.id = "drill.list",
                      .http = "GET /v1/drills",
                      .cli = "drill list",
                      .may = api::May::reader,
                      .doc = "This member's drills.",
                      .example = "hezong drill list"}),
      api::op<&status>({.id = "drill.status",
                        .http = "GET /v1/drills/{id}",
                        .cli = "drill status [id]",
                        .may = api::May::reader,
                        .fails = {"drill.no_drill"},
                        .doc = "Where each product of a drill stands.",
                        .example = "hezong drill status"}),
  };
  return table;
}

}  // namespace hz::node
