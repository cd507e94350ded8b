#include "drill/exit_plan.h"

#include <algorithm>

namespace hz::drill {
namespace {

bool was_over_there(const ProductState& state) { return state.switched_ms >= 0; }

// What the steps alone say of a product.
void take_steps(ExitProduct& out, const ProductState& state) {
  out.stage = state.stage;
  out.substitute = state.backend;
  out.site = state.site;
  out.proof = state.proof;
  out.answers = state.answers;
  out.beside = state.incumbent;
  out.lost_ms = state.lost_ms;
  out.serving_ms = state.switched_ms;
  out.back_ms = state.back_ms;
  out.recover_ms = was_over_there(state) ? std::max<std::int64_t>(0, state.switched_ms - state.lost_ms) : -1;
  out.route_before = state.route_before;
  out.route = state.route;
  out.refused = state.refused;
  out.watched = state.watched;
}

// In time: it recovered within what is tolerated, or the loss does not touch it and nothing showed that it does.
bool is_within(const ExitProduct& p) {
  if (p.outcome == "kept") return p.stage != Stage::broken;
  return p.recover_ms >= 0 && p.recover_ms <= p.outage_max_ms;
}
// A substitute that had to be taken back saved nothing, however soon it served.
bool is_saved(const ExitProduct& p) {
  return p.outcome != "kept" && p.recover_ms >= 0 && p.stage != Stage::rolled_back;
}
bool is_not_saved(const ExitProduct& p) { return p.outcome == "kept" ? p.stage == Stage::broken : !is_saved(p); }

}  // namespace

ExitPlan exit_plan(const ExitInput& in) {
  ExitPlan out{.drill = in.drill.id,
               .member = in.member,
               .mode = in.drill.said.mode,
               .targets = in.drill.said.targets,
               .control_bp = in.drill.said.control_bp,
               .opened_ms = in.drill.opened_ms,
               .made_ms = in.now_ms,
               .frontier = in.plan.frontier,
               .lost_entities = std::ssize(in.impact.lost_entities),
               .lost_components = in.impact.lost_components,
               .saved = 0,
               .not_saved = 0,
               .products = {},
               .block = in.block,
               .items = in.items,
               .duties = {},
               .assumptions = in.plan.assumptions};
  for (const ProductPlan& p : in.plan.products) {
    ExitProduct line;
    line.product = "product:" + p.product;
    line.name = p.name;
    line.outcome = enum_text(p.outcome);
    line.incumbent = p.incumbent;
    line.outage_max_ms = p.outage_max_s * 1000;
    line.gap = p.gap;
    if (p.choice) {
      line.evidence = p.choice->evidence;
      line.quality_before_milli = p.choice->quality_milli + p.choice->drop_milli;
    }
    if (const auto known = std::ranges::find(in.products, p.product, &Product::id); known != in.products.end()) {
      line.model_sha256 = known->model;
      line.quality_drop_max_milli = known->quality_drop_max_milli;
    }
    const auto state = std::ranges::find(in.drill.products, line.product, &ProductState::product);
    if (state != in.drill.products.end()) take_steps(line, *state);
    line.within = is_within(line);
    out.saved += is_saved(line);
    out.not_saved += is_not_saved(line);
    if (is_not_saved(line))
      out.duties.push_back({in.member,
                            fmt::format("{} has no way out of this loss: {}", line.product,
                                        line.stage == Stage::rolled_back ? "its substitute went back, see its last step"
                                        : line.gap.empty()               ? "see its last step"
                                                                         : line.gap),
                            ""});
    if (is_over_there(line.stage))
      out.duties.push_back(
          {in.member, line.product + " is still at its substitute: fail it back or keep it there", ""});
    out.products.push_back(std::move(line));
  }
  for (const KnownItem& item : in.items)
    if (!item.closed)
      out.duties.push_back(
          {item.said.owner,
           fmt::format("{}: {}; done with {}", enum_text(item.said.sort), item.said.subject, item.said.closes),
           item.said.due});
  const std::vector<DrillItem> wanted = items_of(in.plan);
  const auto missing = std::ranges::count_if(wanted, [&](const DrillItem& one) {
    return std::ranges::none_of(in.items, [&](const KnownItem& item) { return item.said.subject == one.subject; });
  });
  if (missing > 0)
    out.duties.push_back(
        {in.member,
         fmt::format("{} of {} gaps of the plan have no owner yet: hezong drill item open", missing, wanted.size()),
         ""});
  return out;
}

std::string exit_plan_text(const ExitPlan& plan) { return json::pretty(to_json(plan)) + "\n"; }

Result<ExitPlan> read_exit_plan(std::string_view text) {
  return from_json<ExitPlan>(HZ_TRY(json::parse(text, {.size_bytes_max = 4u << 20, .depth_max = 16})), "$");
}

std::vector<std::string> contradictions(const ExitPlan& plan, const KnownDrill& folded,
                                        const std::vector<KnownItem>& items) {
  std::vector<std::string> out;
  const auto differ = [&](bool equal, std::string what) {
    if (!equal) out.push_back(std::move(what));
  };
  differ(plan.drill == folded.id, "it is of another drill");
  differ(plan.targets == folded.said.targets, "it names another loss");
  differ(plan.control_bp == folded.said.control_bp, "it counts control otherwise");
  differ(plan.mode == folded.said.mode, "it says that the drill was in another mode");
  differ(plan.opened_ms == folded.opened_ms, "it began at another time");
  std::int64_t saved = 0, not_saved = 0;
  for (const ExitProduct& said : plan.products) {
    ExitProduct again = said;
    const auto state = std::ranges::find(folded.products, said.product, &ProductState::product);
    take_steps(again, state == folded.products.end() ? ProductState{} : *state);
    again.within = is_within(again);
    saved += is_saved(again);
    not_saved += is_not_saved(again);
    if (to_json(again) == to_json(said)) continue;
    out.push_back(fmt::format("{}: the steps say {}, recovered in {} ms, {}; the plan says {}, {} ms, {}", said.product,
                              enum_text(again.stage), again.recover_ms, again.within ? "in time" : "not in time",
                              enum_text(said.stage), said.recover_ms, said.within ? "in time" : "not in time"));
  }
  for (const ProductState& state : folded.products)
    differ(std::ranges::find(plan.products, state.product, &ExitProduct::product) != plan.products.end(),
           state.product + " has steps and is left out");
  differ(plan.saved == saved && plan.not_saved == not_saved,
         fmt::format("the steps save {} and leave {}, the plan says {} and {}", saved, not_saved, plan.saved,
                     plan.not_saved));
  for (const KnownItem& item : plan.items) {
    const auto shown = std::ranges::find(items, item.id, &KnownItem::id);
    if (shown == items.end())
      out.push_back(fmt::format("item {} has no statement here", item.id.substr(0, 12)));
    else
      differ(to_json(*shown) == to_json(item), fmt::format("item {} says something else", item.id.substr(0, 12)));
  }
  return out;
}

}  // namespace hz::drill
