#include "drill/live.h"

#include <algorithm>

#include "drill/reasons.h"
#include "drill/sql_text.h"

namespace hz::drill {

void fold(ProductState& state, const DrillStep& step, std::int64_t issued_ms) {
  state.stage = step.stage;
  ++state.steps;
  state.detail = step.detail;
  const auto take = [](std::string& into, const std::string& from) {
    if (!from.empty()) into = from;
  };
  take(state.claim, step.claim);
  take(state.site, step.site);
  take(state.backend, step.backend);
  take(state.route, step.route);
  // The first one: what a second switch leaves behind is a substitute's route, not the one to go back to.
  if (state.route_before.empty()) state.route_before = step.route_before;
  if (step.cases > 0) {
    state.verdict = step.verdict;
    state.cases = step.cases;
    state.quality_milli = step.quality_milli;
    state.agreement_milli = step.agreement_milli;
  }
  if (step.stage == Stage::switched && state.switched_ms < 0) state.switched_ms = issued_ms;
  if (step.stage == Stage::failed_back || step.stage == Stage::rolled_back) state.back_ms = issued_ms;
}

Result<std::vector<KnownDrill>> known_drills(sql::Db& views) {
  std::vector<KnownDrill> out;
  HZ_TRY(views.query(sql_text::read_drills, {}, [&](const sql::Row& r) {
    KnownDrill one{.id = r.text(0), .said = {}, .opened_ms = r.integer(1), .products = {}};
    std::string targets = r.text(2);
    for (std::size_t at = 0; at < targets.size();) {
      const std::size_t end = std::min(targets.find(' ', at), targets.size());
      one.said.targets.push_back(targets.substr(at, end - at));
      at = end + 1;
    }
    one.said.control_bp = r.integer(3);
    one.said.mode = parse_enum<Mode>(r.text(4)).value_or(Mode::table_top);
    one.said.frontier = r.text(5);
    out.push_back(std::move(one));
    return true;
  }));
  HZ_TRY(views.query(sql_text::read_drill_steps, {}, [&](const sql::Row& r) {
    const auto drill = std::ranges::find(out, r.text(0), &KnownDrill::id);
    if (drill == out.end()) return true;
    const DrillStep step{.drill = r.text(0),
                         .product = r.text(1),
                         .stage = parse_enum<Stage>(r.text(2)).value_or(Stage::waiting),
                         .claim = r.text(3),
                         .site = r.text(4),
                         .backend = r.text(5),
                         .verdict = r.text(6),
                         .cases = r.integer(7),
                         .quality_milli = r.integer(8),
                         .agreement_milli = r.integer(9),
                         .route = r.text(10),
                         .route_before = r.text(11),
                         .detail = r.text(12)};
    auto at = std::ranges::lower_bound(drill->products, step.product, {}, &ProductState::product);
    if (at == drill->products.end() || at->product != step.product) {
      at = drill->products.insert(at, ProductState{});
      at->product = step.product;
      at->opened_ms = drill->opened_ms;
    }
    fold(*at, step, r.integer(13));
    return true;
  }));
  return out;
}

Result<KnownDrill> find_drill(sql::Db& views, std::string_view id) {
  auto all = HZ_TRY(known_drills(views));
  if (id.empty() && !all.empty()) return std::move(all.back());
  if (id.size() >= 6)
    for (KnownDrill& one : all)
      if (one.id.starts_with(id)) return std::move(one);
  return fail(why("drill.no_drill"), "\"{}\" among {}", id, all.size());
}

}  // namespace hz::drill
