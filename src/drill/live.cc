#include "drill/live.h"

#include <algorithm>

#include "drill/item.h"
#include "drill/reasons.h"
#include "drill/sql_text.h"

namespace hz::drill {
namespace {

// A body out of the views: it was checked when it was replayed.
template <class T>
Result<T> body_of(const std::string& text) {
  return from_json<T>(HZ_TRY(json::parse(text)), "$");
}

}  // namespace

void fold(ProductState& state, const DrillStep& step, std::int64_t issued_ms) {
  if (state.drill.empty()) state.drill = step.drill;
  if (state.product.empty()) state.product = step.product;
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
  if (step.answers.cases > 0) {
    state.answers = step.answers;
    state.incumbent = {};
    if (step.stage == Stage::proved) state.proof = step.answers;
  }
  if (step.incumbent.cases > 0) state.incumbent = step.incumbent;
  for (const std::string& one : step.refused)
    if (std::ranges::find(state.refused, one) == state.refused.end()) state.refused.push_back(one);
  // Lost again after it came back: a new attempt with clocks of its own.
  if (state.lost_ms < 0 || (step.stage == Stage::waiting && state.back_ms >= 0)) {
    state.lost_ms = issued_ms;
    state.switched_ms = state.back_ms = -1;
  }
  if (step.stage == Stage::switched && state.switched_ms < 0) state.switched_ms = issued_ms;
  if (step.stage == Stage::failed_back || step.stage == Stage::rolled_back) state.back_ms = issued_ms;
}

std::string must_go_back(const ProductState& state) {
  return is_over_there(state.stage) && state.watched && state.watched->claim == state.claim ? state.watched->wrong : "";
}

ProductState& state_of(KnownDrill& drill, const std::string& product) {
  auto at = std::ranges::lower_bound(drill.products, product, {}, &ProductState::product);
  if (at == drill.products.end() || at->product != product) {
    at = drill.products.insert(at, ProductState{});
    at->drill = drill.id;
    at->product = product;
    at->opened_ms = drill.opened_ms;
  }
  return *at;
}

Result<std::vector<KnownDrill>> known_drills(sql::Db& views) {
  std::vector<KnownDrill> out;
  Result<void> good;
  HZ_TRY(views.query(sql_text::read_drills, {}, [&](const sql::Row& r) {
    auto said = body_of<DrillOpened>(r.text(2));
    if (said)
      out.push_back({r.text(0), *std::move(said), r.integer(1), {}, {}});
    else
      good = std::unexpected(std::move(said).error());
    return good.has_value();
  }));
  HZ_TRY(good);
  HZ_TRY(views.query(sql_text::read_drill_steps, {}, [&](const sql::Row& r) {
    const auto drill = std::ranges::find(out, r.text(0), &KnownDrill::id);
    if (drill == out.end()) return true;
    auto step = body_of<DrillStep>(r.text(2));
    if (step)
      fold(state_of(*drill, step->product), *step, r.integer(1));
    else
      good = std::unexpected(std::move(step).error());
    return good.has_value();
  }));
  HZ_TRY(good);
  HZ_TRY(views.query(sql_text::read_drill_watched, {}, [&](const sql::Row& r) {
    const auto drill = std::ranges::find(out, r.text(0), &KnownDrill::id);
    if (drill == out.end()) return true;
    if (auto said = body_of<DrillWatched>(r.text(1)))
      fold(state_of(*drill, said->product), *said);
    else
      good = std::unexpected(std::move(said).error());
    return good.has_value();
  }));
  HZ_TRY(good);
  HZ_TRY(views.query(sql_text::read_drill_blocks, {}, [&](const sql::Row& r) {
    const auto drill = std::ranges::find(out, r.text(0), &KnownDrill::id);
    if (drill == out.end()) return true;
    auto block = body_of<DrillBlock>(r.text(1));
    if (!block)
      good = std::unexpected(std::move(block).error());
    else if (block->lifted)
      drill->block.reset();
    else
      drill->block = *std::move(block);
    return good.has_value();
  }));
  HZ_TRY(good);
  return out;
}

Result<KnownDrill> find_drill(sql::Db& views, std::string_view id) {
  return pick_drill(HZ_TRY(known_drills(views)), id);
}

Result<KnownDrill> pick_drill(std::vector<KnownDrill> all, std::string_view id) {
  if (id.empty() && !all.empty()) return std::move(all.back());
  if (id.size() >= 6)
    for (KnownDrill& one : all)
      if (one.id.starts_with(id)) return std::move(one);
  return fail(why("drill.no_drill"), "\"{}\" among {}", id, all.size());
}

Result<std::vector<KnownItem>> known_items(sql::Db& views, std::string_view drill) {
  std::vector<KnownItem> out;
  Result<void> good;
  HZ_TRY(views.query(sql_text::read_drill_items, {std::string(drill)}, [&](const sql::Row& r) {
    auto said = body_of<DrillItem>(r.text(2));
    if (!said) {
      good = std::unexpected(std::move(said).error());
      return false;
    }
    KnownItem one{r.text(0), *std::move(said), r.integer(1), {}, r.integer(4)};
    if (const std::string closed = r.text(3); !closed.empty()) {
      auto how = body_of<DrillItemClosed>(closed);
      if (how) one.closed = *std::move(how);
    }
    out.push_back(std::move(one));
    return true;
  }));
  HZ_TRY(good);
  return out;
}

}  // namespace hz::drill
