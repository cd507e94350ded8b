// What apply would say, in the order in which it would say it. What is measured on the way is not known yet.
#include <algorithm>

#include "node/product_drill.h"

namespace hz::node {

using drill::Stage;

std::vector<std::pair<std::string_view, json::Value>> ProductDrill::would_say() {
  std::vector<std::pair<std::string_view, json::Value>> out;
  if (plan_.outcome == drill::Outcome::kept) return out;
  const auto step = [&](drill::DrillStep one) {
    one.drill = live_.drill_.id;
    one.product = id_;
    out.emplace_back(drill::DrillStep::kind, to_json(one));
  };
  if (state_.steps == 0) step({.stage = Stage::waiting, .detail = "lost from now on"});
  if (!plan_.choice) {
    step({.stage = Stage::unsaved, .detail = plan_.gap});
    return out;
  }
  const drill::Option& choice = *plan_.choice;
  const std::string claim = live_.on_table() ? "" : substitute_claim(live_.drill_, id_, &state_);
  const auto now = route_now();
  const std::string before = now && *now ? (*now)->statement : "";
  const auto route = [&](std::vector<pool::Target> targets, std::string_view what) {
    if (live_.on_table()) return;
    pool::Route one{id_, std::move(targets), evidence(), reason_of(std::string(what))};
    if (now && *now) one.deadline_ms = (*now)->route.deadline_ms;
    out.emplace_back(pool::Route::kind, to_json(one));
  };
  pool::Target there{claim, choice.site, choice.backend, 1};
  step({.stage = Stage::prepared, .claim = claim, .site = choice.site, .backend = choice.backend, .detail = {}});
  step({.stage = Stage::proved, .claim = claim, .site = choice.site, .backend = choice.backend, .detail = {}});
  std::vector<pool::Target> shared;
  if (now && *now)
    for (pool::Target target : (*now)->route.targets)
      if (served(target.claim)) {
        target.weight = std::max<std::int64_t>(1, 100 - live_.options_.canary_weight_percent);
        shared.push_back(std::move(target));
      }
  if (!shared.empty()) {
    shared.push_back(there);
    shared.back().weight = live_.options_.canary_weight_percent;
    route(shared, "canary");
  }
  if (!live_.on_table()) step({.stage = Stage::canary, .claim = claim, .route_before = before, .detail = {}});
  route({there}, "switched");
  step({.stage = Stage::switched, .claim = claim, .site = choice.site, .backend = choice.backend, .detail = {}});
  return out;
}

}  // namespace hz::node
