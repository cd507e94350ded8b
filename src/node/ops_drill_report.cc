// The report of a loss or of a drill: a file for people, and the exit plan as a bundle for an auditor.
#include <algorithm>
#include <set>

#include "crypto/hash.h"
#include "drill/exit_plan.h"
#include "drill/reasons.h"
#include "drill/report.h"
#include "drill/text.h"
#include "node/drill_rows.h"
#include "node/live_drill.h"
#include "node/make_bundle.h"
#include "node/ops.h"
#include "sql/db.h"

namespace hz::node {
namespace {

using drill::KnownDrill;

struct WriteReport {
  std::optional<std::string> id;
  std::vector<std::string> lose;
  std::optional<std::int64_t> control_bp;
  std::string out;
  std::optional<std::string> bundle;
  static constexpr auto fields() {
    return rows(
        row("id", &WriteReport::id, "drill, its first 6 digits are enough; the newest when there is no --lose either"),
        row("lose", &WriteReport::lose, "what is lost, as in drill what-if: a report without a drill"),
        row("control_bp", &WriteReport::control_bp,
            "holders of more than this control, hundredths of a percent (5000)"),
        row("out", &WriteReport::out, "HTML file to write"),
        row("bundle", &WriteReport::bundle, "exit plan of the drill as an audit bundle, to write as well"));
  }
};
struct Written {
  std::string path, sha256;
  std::int64_t size_bytes = 0, stopped = 0, saved = 0, unsaved = 0;
  std::string frontier;
  std::optional<std::string> bundle;
  std::int64_t bundle_size_bytes = 0;
  static constexpr auto fields() {
    return rows(row("path", &Written::path, "file written"), row("sha256", &Written::sha256, "its digest, hex"),
                row("size_bytes", &Written::size_bytes, "its size"),
                row("stopped", &Written::stopped, "products stopped"),
                row("saved", &Written::saved, "products with a proven substitution in time"),
                row("unsaved", &Written::unsaved, "stopped products left without one, or late"),
                row("frontier", &Written::frontier, "digest of the log heads it rests on"),
                row("bundle", &Written::bundle, "exit plan written"),
                row("bundle_size_bytes", &Written::bundle_size_bytes, "its size"));
  }
};

// The statements of a drill itself, in this member's log.
Result<std::set<std::string>> statements_of(sql::Db& views, const std::string& drill) {
  std::set<std::string> out{drill};
  for (const char* query :
       {"SELECT statement FROM public_drill_step WHERE drill = ?",
        "SELECT statement FROM public_drill_watched WHERE drill = ?",
        "SELECT statement FROM public_drill_block WHERE drill = ?",
        "SELECT statement FROM public_drill_item WHERE drill = ?",
        "SELECT closed_statement FROM public_drill_item WHERE drill = ? AND closed_statement <> ''"})
    HZ_TRY(views.query(query, {drill}, [&](const sql::Row& r) {
      out.insert(r.text(0));
      return true;
    }));
  return out;
}

// What the auditor needs beside them: the evidence and the sites, why products stop, the routes.
std::set<std::string> grounds_of(const drill::Impact& impact, const drill::ExitPlan& exit, const drill::Plan& plan) {
  std::set<std::string> out;
  for (const drill::LostEntityRow& one : impact.lost_entities) out.insert(one.statement);
  for (const drill::ProductImpact& p : impact.products)
    for (const drill::Step& step : p.chain) out.insert(step.statement);
  for (const drill::ProductPlan& p : plan.products) {
    out.insert(p.release_statement);
    if (p.choice) out.insert({p.choice->evidence, p.choice->site_statement});
  }
  for (const drill::ExitProduct& p : exit.products) out.insert({p.route, p.route_before, p.evidence});
  for (const drill::KnownItem& item : exit.items) out.insert(item.said.evidence);
  out.erase("");
  return out;
}

// In force once, also when it is lifted by now: the last one that took something away.
Result<std::optional<drill::DrillBlock>> last_block(sql::Db& views, const std::string& drill) {
  std::optional<drill::DrillBlock> out;
  HZ_TRY(views.query("SELECT body FROM public_drill_block WHERE drill = ? AND lifted = 0 ORDER BY idx DESC LIMIT 1",
                     {drill}, [&](const sql::Row& r) {
                       if (const auto value = json::parse(r.text(0)))
                         if (auto block = from_json<drill::DrillBlock>(*value, "$")) out = *std::move(block);
                       return false;
                     }));
  return out;
}

Result<Written> report(api::Ctx& ctx, const WriteReport& in) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  // A step that is said between what is read here and what is signed would not be borne out by the file.
  std::optional<DrillTurn> ours;
  if (in.bundle) {
    ours = HZ_TRY(DrillTurn::take(ctx.home, 30'000));
    HZ_TRY(member.refresh());
  }
  sql::Db& views = *HZ_TRY(member.views());
  std::optional<KnownDrill> known;
  std::vector<KnownDrill> drills = HZ_TRY(drill::known_drills(views));
  if (in.lose.empty() && (in.id || !drills.empty())) known = HZ_TRY(drill::pick_drill(drills, in.id.value_or("")));
  const std::vector<std::string> lose = known ? known->said.targets : in.lose;
  auto world = HZ_TRY(world_of(ctx, known ? known->said.mode : drill::Mode::table_top));
  const std::vector<drill::Product> products = world.products;
  const auto rehearsal = HZ_TRY(drill::Rehearsal::of(
      std::move(world), lose, in.control_bp.value_or(known ? known->said.control_bp : drill::control_bp_default)));
  drill::ReportInput input;
  input.impact = HZ_TRY(rehearsal->impact());
  input.plan = HZ_TRY(rehearsal->plan());
  input.frontier = member.frontier();
  input.impact.frontier = input.plan.frontier = input.frontier.digest;
  input.member = member.id();
  input.now_ms = ctx.clock().now_ms();
  for (KnownDrill& one : drills)
    if (one.said.targets == lose && one.said.mode == drill::Mode::live && !one.products.empty() &&
        (!known || one.id != known->id))
      input.live.push_back(std::move(one));
  if (known)
    input.exit = drill::exit_plan({.drill = *known,
                                   .impact = input.impact,
                                   .plan = input.plan,
                                   .products = products,
                                   .items = HZ_TRY(drill::known_items(views, known->id)),
                                   .member = member.id(),
                                   .now_ms = input.now_ms,
                                   .block = HZ_TRY(last_block(views, known->id))});
  const std::string html = report_html(*rehearsal, input);
  HZ_TRY(write_file_durably(in.out, as_bytes(html)));
  Written out{in.out,
              hex(crypto::sha256(as_bytes(html))),
              static_cast<std::int64_t>(html.size()),
              input.impact.stopped,
              input.plan.substituted,
              input.plan.unsaved + input.plan.late,
              input.frontier.digest,
              in.bundle,
              0};
  if (!in.bundle) return out;
  if (!known) return fail(drill::why("drill.no_drill"), "--bundle is of a drill, not of a loss alone");
  const std::string plan = drill::exit_plan_text(*input.exit);
  const drill::DrillReport said{known->id, hex(crypto::sha256(as_bytes(plan))), out.sha256, input.exit->saved,
                                input.exit->not_saved};
  std::set<std::string> open = HZ_TRY(statements_of(views, known->id));
  // The file is made again at will; only what is new in it is said again.
  open.insert(HZ_TRY(member.append(alliance::draft(said, {{"depends-on", known->id}},
                                                   crypto::sha256(as_bytes(said.plan_sha256 + said.html_sha256)))))
                  .id);
  std::set<std::string> ids = grounds_of(input.impact, *input.exit, input.plan);
  ids.insert(open.begin(), open.end());
  const std::string text = HZ_TRY(
      make_bundle(member, HZ_TRY(contacts(member)), ids, {}, open, {{"exit_plan.json", plan}, {"report.html", html}}));
  HZ_TRY(write_file_durably(*in.bundle, as_bytes(text)));
  out.bundle_size_bytes = static_cast<std::int64_t>(text.size());
  return out;
}
std::string text(const Written& out, const api::Style& style) {
  std::string said =
      fmt::format("{} {}  {} bytes, sha256 {}\n{} product{} stopped, {} saved by a proven substitute, {} not.\n",
                  style.green("wrote"), out.path, out.size_bytes, drill::short_id(out.sha256), out.stopped,
                  out.stopped == 1 ? "" : "s", out.saved, out.unsaved);
  if (out.bundle)
    said += fmt::format(
        "{} {}  {} bytes: the exit plan, its drill's statements in clear, and what they rest on\n"
        "Check it anywhere: hezong audit verify {}\n",
        style.green("wrote"), *out.bundle, out.bundle_size_bytes, *out.bundle);
  return said;
}

}  // namespace

std::span<const api::Op> drill_report_ops() {
  static const api::Op table[] = {
      api::op<&report>(
          {.id = "drill.report",
           .http = "POST /v1/drill/report",
           .cli = "drill report [id]",
           .may = api::May::author,
           .emits = {drill::DrillReport::kind},
           .fails = {"drill.no_target", "drill.target", "drill.unknown_target", "drill.no_product", "drill.no_drill",
                     "drill.under_way"},
           .doc = "Write what a drill showed, or what a loss would do, as one self-contained HTML file.",
           .example = "hezong drill report --lose entity:microsoft --out report.html",
           .more =
               "The file needs no script and no network, and prints well. The same statements and the same "
               "clock give the same bytes. --bundle also signs the exit plan of a drill (scope, cut, times to recover "
               "against what is tolerated, routes, answers before and after, what was not saved, who must do what) "
               "and writes it with the drill's statements, opened, for an auditor: `hezong audit verify FILE` folds "
               "them again, offline, and refuses a figure that they do not bear out.",
           .local = true}),
  };
  return table;
}

}  // namespace hz::node
