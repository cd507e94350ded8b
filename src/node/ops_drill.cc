// Live drills: open one, move the products that the plan saves, look at their answers, move them back.
#include <algorithm>
#include <thread>

#include "drill/live.h"
#include "drill/reasons.h"
#include "drill/rehearsal.h"
#include "node/live_drill.h"
#include "node/ops.h"
#include "sql/db.h"

namespace hz::node {
namespace {

using drill::DrillOpened;
using drill::DrillStep;
using drill::KnownDrill;
using drill::ProductState;

struct DrillRow {
  std::string drill, mode;
  std::vector<std::string> targets;
  std::vector<ProductState> products;
  std::int64_t opened_ms = 0;
  static constexpr auto fields() {
    return rows(row("drill", &DrillRow::drill, "id: the statement that opened it"),
                row("mode", &DrillRow::mode, "table-top or live"), row("targets", &DrillRow::targets, "what is lost"),
                row("products", &DrillRow::products, "where each product stands"),
                row("opened_ms", &DrillRow::opened_ms, "when it was opened, ms since 1970"));
  }
};
DrillRow row_of(const KnownDrill& one) {
  return {one.id, std::string(enum_text(one.said.mode)), one.said.targets, one.products, one.opened_ms};
}
std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}
std::string seconds(std::int64_t ms) { return ms < 0 ? "-" : fmt::format("{}.{} s", ms / 1000, ms % 1000 / 100); }

std::string coloured(const api::Style& style, drill::Stage stage) {
  const std::string text(enum_text(stage));
  using drill::Stage;
  if (stage == Stage::switched || stage == Stage::verified || stage == Stage::failed_back) return style.green(text);
  if (stage == Stage::refused || stage == Stage::rolled_back || stage == Stage::unsaved) return style.red(text);
  return text;
}

std::string table_of(const DrillRow& one, const api::Style& style) {
  std::vector<std::vector<std::string>> cells{
      {"product", "stands at", "substitute", "site", "quality", "after", "last"}};
  for (const ProductState& p : one.products)
    cells.push_back(
        {p.product.substr(p.product.find(':') + 1), coloured(style, p.stage), p.backend.empty() ? "-" : p.backend,
         p.site.empty() ? "-" : p.site,
         p.cases > 0 ? fmt::format("{}.{} % of {}", p.quality_milli / 10, p.quality_milli % 10, p.cases) : "-",
         seconds(p.switched_ms < 0 ? -1 : p.switched_ms - p.opened_ms),
         p.detail.size() > 110 ? p.detail.substr(0, 107) + "..." : p.detail});
  return fmt::format("{} {} ({}), loses {}\n{}", style.bold("drill"), one.drill.substr(0, 12), one.mode,
                     joined(one.targets), one.products.empty() ? "no step yet\n" : api::table(cells, style));
}

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
      "next: hezong drill apply {} --dry-run\n",
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
Result<KnownDrill> find(api::Ctx& ctx, const std::optional<std::string>& id) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  return drill::find_drill(*HZ_TRY(member.views()), id.value_or(""));
}
Result<DrillRow> status(api::Ctx& ctx, const Status& in) { return row_of(HZ_TRY(find(ctx, in.id))); }
std::string text(const DrillRow& out, const api::Style& style) { return table_of(out, style); }

struct Act {
  std::optional<std::string> id, products;
  bool end_lost = false;
  std::int64_t ready_ms_max = 60'000;
  static constexpr auto fields() {
    return rows(
        row("id", &Act::id, "drill, its first 6 digits are enough; the newest when absent"),
        row("products", &Act::products, "folder with models and golden sets, beside the own blob store"),
        row("end_lost", &Act::end_lost,
            "after the switch, end the servers that run on what is lost, so that what was forgotten shows", or_default),
        row("ready_ms_max", &Act::ready_ms_max, "how long a substitute may take to start; 60000 when absent",
            or_default));
  }
};
struct Moved {
  DrillRow drill;
  std::vector<LiveLine> would;
  std::int64_t not_saved = 0;
  bool dry = false;
  static constexpr auto fields() {
    return rows(row("drill", &Moved::drill, "where each product stands now"),
                row("would", &Moved::would, "dry run: what would be done"),
                row("not_saved", &Moved::not_saved, "products that stop and have no substitute serving"),
                row("dry", &Moved::dry, "nothing was done"));
  }
};
bool answer_is_no(const Moved& out) { return out.not_saved > 0; }

Result<LiveDrill> live(api::Ctx& ctx, const std::optional<std::string>& id, const std::optional<std::string>& products,
                       std::int64_t ready_ms_max, bool end_lost) {
  KnownDrill known = HZ_TRY(find(ctx, id));
  if (known.said.mode != drill::Mode::live) return fail(drill::why("drill.not_live"), "{}", known.id.substr(0, 12));
  LiveOptions options;
  options.products = products.value_or("");
  options.ready_ms_max = ready_ms_max;
  options.end_lost = end_lost;
  return LiveDrill::of(ctx, std::move(known), std::move(options));
}
Result<Moved> apply(api::Ctx& ctx, const Act& in) {
  LiveDrill one = HZ_TRY(live(ctx, in.id, in.products, in.ready_ms_max, in.end_lost));
  Moved out;
  out.dry = ctx.dry_run;
  if (ctx.dry_run)
    out.would = one.lines();
  else
    HZ_TRY(one.apply());
  out.drill = row_of(one.drill());
  for (const LiveLine& line : one.lines()) {
    if (line.outcome == "kept") continue;
    const auto at = std::ranges::find(out.drill.products, line.product, &ProductState::product);
    const bool there = at != out.drill.products.end() && drill::is_over_there(at->stage);
    out.not_saved += ctx.dry_run ? line.backend.empty() : !there;
  }
  return out;
}
std::string text(const Moved& out, const api::Style& style) {
  if (!out.dry) return table_of(out.drill, style);
  std::vector<std::vector<std::string>> cells{{"product", "outcome", "would run on", "at", "as claim", "evidence"}};
  for (const LiveLine& l : out.would)
    cells.push_back({l.product.substr(l.product.find(':') + 1), l.outcome, l.backend.empty() ? "-" : l.backend,
                     l.site.empty() ? l.gap : l.site, l.claim.empty() ? "-" : l.claim,
                     l.evidence.empty() ? "-" : l.evidence.substr(0, 12)});
  return api::table(cells, style) +
         "For each: start the server, ask it the whole golden set, send a tenth of the requests there and ask known\n"
         "answers, then send all. Each step is signed as drill.step, each change of route as pool.route.\n";
}

struct Check {
  std::optional<std::string> id, products;
  std::int64_t cases = 200, times = 1, pause_ms = 1'000;
  static constexpr auto fields() {
    return rows(
        row("id", &Check::id, "drill, its first 6 digits are enough; the newest when absent"),
        row("products", &Check::products, "folder with models and golden sets, beside the own blob store"),
        row("cases", &Check::cases, "golden cases asked of each, drawn anew each time; 200 when absent", or_default),
        row("times", &Check::times, "how often; 1 when absent", or_default),
        row("pause_ms", &Check::pause_ms, "between two times; 1000 when absent", or_default));
  }
};
Result<Moved> verify(api::Ctx& ctx, const Check& in) {
  LiveDrill one = HZ_TRY(live(ctx, in.id, in.products, 60'000, false));
  bool any = false;
  for (std::int64_t i = 0; i < std::clamp<std::int64_t>(in.times, 1, 1'000'000); ++i) {
    if (i > 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(std::clamp<std::int64_t>(in.pause_ms, 0, 3'600'000)));
    any |= HZ_TRY(one.verify(std::clamp<std::int64_t>(in.cases, 1, 1'000'000)));
  }
  if (!any)
    return fail(drill::why("drill.nothing_to_do"), "{}: no product is at a substitute", one.drill().id.substr(0, 12));
  Moved out;
  out.drill = row_of(one.drill());
  for (const ProductState& p : out.drill.products) out.not_saved += p.stage == drill::Stage::rolled_back;
  return out;
}
Result<Moved> fail_back(api::Ctx& ctx, const Act& in) {
  LiveDrill one = HZ_TRY(live(ctx, in.id, in.products, in.ready_ms_max, false));
  if (!HZ_TRY(one.fail_back()))
    return fail(drill::why("drill.nothing_to_do"), "{}: no product is at a substitute", one.drill().id.substr(0, 12));
  Moved out;
  out.drill = row_of(one.drill());
  for (const ProductState& p : out.drill.products) out.not_saved += drill::is_over_there(p.stage);
  return out;
}

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
      api::op<&apply>({.id = "drill.apply",
                       .http = "POST /v1/drills/apply",
                       .cli = "drill apply [id]",
                       .may = api::May::author,
                       .emits = {DrillStep::kind, "pool.route"},
                       .fails = {"drill.no_drill", "drill.not_live", "pool.site_config"},
                       .doc = "Start the substitutes, check their answers, and move the traffic there.",
                       .example = "hezong drill apply --dry-run",
                       .more =
                           "The substitute passes the whole golden set on the server that will serve before a "
                           "request goes there; then a tenth of the traffic goes first and known answers are asked. "
                           "Cut off anywhere, the same command goes on. Exit code 3: a product that stops has no "
                           "substitute serving.",
                       .local = true}),
      api::op<&verify>({.id = "drill.verify",
                        .http = "POST /v1/drills/verify",
                        .cli = "drill verify [id]",
                        .may = api::May::author,
                        .emits = {DrillStep::kind, "pool.route"},
                        .fails = {"drill.no_drill", "drill.not_live", "drill.nothing_to_do"},
                        .doc = "Ask known answers where the traffic goes now; roll back what fell below its tolerance.",
                        .example = "hezong drill verify --cases 200 --times 10",
                        .more = "The same cases are asked of the incumbent where it still serves. Exit code 3: "
                                "something was rolled back.",
                        .local = true}),
      api::op<&fail_back>({.id = "drill.fail_back",
                           .http = "POST /v1/drills/fail-back",
                           .cli = "drill fail-back [id]",
                           .may = api::May::author,
                           .emits = {DrillStep::kind, "pool.route"},
                           .fails = {"drill.no_drill", "drill.not_live", "drill.nothing_to_do"},
                           .doc = "Move the products back to what served them before the drill.",
                           .example = "hezong drill fail-back",
                           .more = "The incumbent runs, is started again where it ended, and passes the golden set "
                                   "before a request goes back. Exit code 3: a product is still at its substitute.",
                           .local = true}),
  };
  return table;
}

}  // namespace hz::node
