// What moves a drill: apply, verify, fail back.
#include <algorithm>
#include <thread>

#include "drill/reasons.h"
#include "node/drill_rows.h"
#include "node/live_drill.h"
#include "node/ops.h"

namespace hz::node {
namespace {

using drill::DrillStep;
using drill::KnownDrill;
using drill::ProductState;

struct Act {
  std::optional<std::string> id, products;
  bool end_lost = false, deny_list = false;
  std::int64_t ready_ms_max = 60'000;
  static constexpr auto fields() {
    return rows(
        row("id", &Act::id, "drill, its first 6 digits are enough; the newest when absent"),
        row("products", &Act::products, "folder with models and golden sets, beside the own blob store"),
        row("end_lost", &Act::end_lost,
            "after the switch, end the servers that run on what is lost, so that what was forgotten shows", or_default),
        row("deny_list", &Act::deny_list,
            "for test products: take what is lost away for real from this drill's servers, and end those that hold it",
            or_default),
        row("ready_ms_max", &Act::ready_ms_max, "how long a substitute may take to start; 60000 when absent",
            or_default));
  }
};
struct Moved {
  DrillRow drill;
  std::vector<LiveLine> would;
  std::vector<WouldSay> statements;
  std::int64_t not_saved = 0;
  bool dry = false;
  static constexpr auto fields() {
    return rows(row("drill", &Moved::drill, "where each product stands now"),
                row("would", &Moved::would, "dry run: what would be done"),
                row("statements", &Moved::statements, "dry run: what would be signed, in order, for each product"),
                row("not_saved", &Moved::not_saved, "products that stop and have no substitute serving"),
                row("dry", &Moved::dry, "nothing was done"));
  }
};
bool answer_is_no(const Moved& out) { return out.not_saved > 0; }

constexpr std::int64_t turn_ms_max = 30'000;

// The newest state, and nobody else who changes it.
Result<DrillTurn> turn(api::Ctx& ctx) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  auto taken = HZ_TRY(DrillTurn::take(ctx.home, turn_ms_max));
  HZ_TRY(member.refresh());
  return taken;
}
Result<LiveDrill> live(api::Ctx& ctx, const std::optional<std::string>& id, const std::optional<std::string>& products,
                       std::int64_t ready_ms_max, bool end_lost, bool deny_list = false) {
  KnownDrill known = HZ_TRY(find_drill(ctx, id));
  if (known.said.mode != drill::Mode::live && (end_lost || deny_list))
    return fail(drill::why("drill.not_live"), "{}", known.id.substr(0, 12));
  LiveOptions options;
  options.products = products.value_or("");
  options.ready_ms_max = ready_ms_max;
  options.end_lost = end_lost;
  options.deny_list = deny_list;
  return LiveDrill::of(ctx, std::move(known), std::move(options));
}
Result<Moved> apply(api::Ctx& ctx, const Act& in) {
  std::optional<DrillTurn> ours;
  if (!ctx.dry_run) ours = HZ_TRY(turn(ctx));
  LiveDrill one = HZ_TRY(live(ctx, in.id, in.products, in.ready_ms_max, in.end_lost, in.deny_list));
  Moved out;
  out.dry = ctx.dry_run;
  if (ctx.dry_run) {
    out.would = one.lines();
    out.statements = HZ_TRY(one.would_say());
  } else {
    HZ_TRY(one.apply());
  }
  out.drill = row_of(one.drill());
  for (const LiveLine& line : one.lines()) {
    const auto at = std::ranges::find(out.drill.products, line.product, &ProductState::product);
    if (line.outcome == "kept") {
      out.not_saved += at != out.drill.products.end() && at->stage == drill::Stage::broken;
      continue;
    }
    const bool there = at != out.drill.products.end() && drill::is_over_there(at->stage);
    out.not_saved += ctx.dry_run ? line.backend.empty() : !there;
  }
  return out;
}
// For people: what a body does not say yet is left out. The whole of it is in --json.
std::string without_blanks(const std::string& body) {
  const auto blank = [](const json::Value& v) {
    const std::string* text = v.string();
    const std::int64_t* number = v.integer();
    return (text && text->empty()) || (number && *number == 0) || (v.array() && v.array()->empty()) ||
           (v.object() && v.object()->empty());
  };
  const auto prune = [&](const auto& self, const json::Value& v) -> json::Value {
    if (const auto* members = v.object()) {
      json::Value out = json::Value(json::Object{});
      for (const auto& [name, value] : *members)
        if (json::Value kept = self(self, value); !blank(kept)) out.set(name, std::move(kept));
      return out;
    }
    return v;
  };
  const auto value = json::parse(body);
  return value ? json::dump(prune(prune, *value)) : body;
}
std::string text(const Moved& out, const api::Style& style) {
  if (!out.dry) return table_of(out.drill, style);
  std::vector<std::vector<std::string>> cells{{"product", "outcome", "would run on", "at", "as claim", "evidence"}};
  for (const LiveLine& l : out.would)
    cells.push_back({l.product.substr(l.product.find(':') + 1), l.outcome, l.backend.empty() ? "-" : l.backend,
                     l.site.empty() ? l.gap : l.site, l.claim.empty() ? "-" : l.claim,
                     l.evidence.empty() ? "-" : l.evidence.substr(0, 12)});
  std::string said = api::table(cells, style) + style.bold("would sign, in this order") + "\n";
  for (const WouldSay& s : out.statements) said += fmt::format("{}  {}\n", s.kind, without_blanks(s.body));
  return said +
         "Products go side by side. Each server is asked the whole golden set before a request goes there; what is\n"
         "measured on the way joins the steps. Nothing was started or signed.\n";
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
  Moved out;
  std::optional<std::string> id = in.id;
  bool any = false;
  for (std::int64_t i = 0; i < std::clamp<std::int64_t>(in.times, 1, 1'000'000); ++i) {
    if (i > 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(std::clamp<std::int64_t>(in.pause_ms, 0, 3'600'000)));
    // Others may move it between two times.
    const DrillTurn ours = HZ_TRY(turn(ctx));
    LiveDrill one = HZ_TRY(live(ctx, id, in.products, 60'000, false));
    id = one.drill().id;
    any |= HZ_TRY(one.verify(std::clamp<std::int64_t>(in.cases, 1, 1'000'000)));
    out.drill = row_of(one.drill());
    HZ_TRY(HZ_TRY(ctx.member())->rest());
  }
  if (!any) return fail(drill::why("drill.nothing_to_do"), "{}: no product is at a substitute", id->substr(0, 12));
  for (const ProductState& p : out.drill.products) out.not_saved += p.stage == drill::Stage::rolled_back;
  return out;
}
Result<Moved> fail_back(api::Ctx& ctx, const Act& in) {
  const DrillTurn ours = HZ_TRY(turn(ctx));
  LiveDrill one = HZ_TRY(live(ctx, in.id, in.products, in.ready_ms_max, false));
  if (!HZ_TRY(one.fail_back()))
    return fail(drill::why("drill.nothing_to_do"), "{}: no product is at a substitute", one.drill().id.substr(0, 12));
  Moved out;
  out.drill = row_of(one.drill());
  for (const ProductState& p : out.drill.products) out.not_saved += drill::has_way_back(p);
  return out;
}

}  // namespace

std::span<const api::Op> drill_live_ops() {
  static const api::Op table[] = {
      api::op<&apply>(
          {.id = "drill.apply",
           .http = "POST /v1/drills/apply",
           .cli = "drill apply [id]",
           .may = api::May::author,
           .emits = {DrillStep::kind, drill::DrillBlock::kind, "pool.route"},
           .fails = {"drill.no_drill", "drill.not_live", "drill.block_late", "drill.under_way", "pool.site_config"},
           .doc = "Start the substitutes, check their answers, and move the traffic there.",
           .example = "hezong drill apply --dry-run",
           .more = "The substitute passes the whole golden set on the server that will serve before a "
                   "request goes there; then a tenth of the traffic goes first and known answers are asked. "
                   "Cut off anywhere, the same command goes on. --deny-list takes what is lost away for real, "
                   "on this host and from servers of this drill only: lost libraries cannot be opened, lost "
                   "hosts not be reached, every product's server is started once more without them, and the "
                   "step says which process ran into what; servers that rest on them end. A table-top drill "
                   "says the same steps and moves nothing. Exit code 3: a product that stops has no "
                   "substitute serving.",
           .local = true}),
      api::op<&verify>({.id = "drill.verify",
                        .http = "POST /v1/drills/verify",
                        .cli = "drill verify [id]",
                        .may = api::May::author,
                        .emits = {DrillStep::kind, "pool.route"},
                        .fails = {"drill.no_drill", "drill.nothing_to_do", "drill.under_way"},
                        .doc = "Ask known answers where the traffic goes now; roll back what fell below its tolerance.",
                        .example = "hezong drill verify --cases 200 --times 10",
                        .more =
                            "The same cases are asked of the incumbent where it still serves. A node that runs does "
                            "this by itself (`hezong up`). Exit code 3: something was rolled back.",
                        .local = true}),
      api::op<&fail_back>({.id = "drill.fail_back",
                           .http = "POST /v1/drills/fail-back",
                           .cli = "drill fail-back [id]",
                           .may = api::May::author,
                           .emits = {DrillStep::kind, drill::DrillBlock::kind, "pool.route"},
                           .fails = {"drill.no_drill", "drill.nothing_to_do", "drill.under_way"},
                           .doc = "Move the products back to what served them before the drill.",
                           .example = "hezong drill fail-back",
                           .more = "The incumbent runs, is started again where it ended, and passes the golden set "
                                   "before a request goes back. Exit code 3: a product is still at its substitute.",
                           .local = true}),
  };
  return table;
}

}  // namespace hz::node
