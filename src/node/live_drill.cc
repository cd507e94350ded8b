#include "node/live_drill.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <set>
#include <thread>

#include "crypto/hash.h"
#include "drill/reasons.h"
#include "node/deny_list.h"
#include "node/product_drill.h"
#include "pool/claims.h"
#include "sql/db.h"

namespace hz::node {

using drill::Stage;

Result<drill::World> world_of(api::Ctx& ctx, drill::Mode mode) {
  auto world = HZ_TRY(drill::load_world(*HZ_TRY(HZ_TRY(ctx.member())->views())));
  if (mode == drill::Mode::table_top) return world;
  std::set<std::string> here;
  for (const pool::SiteConfig& one : HZ_TRY(pool::site_configs(ctx.home))) here.insert(one.site);
  std::erase_if(world.sites, [&](const drill::Site& site) { return !here.contains(site.id); });
  return world;
}

Result<DrillTurn> DrillTurn::take(const fs::path& home, std::int64_t wait_ms_max) {
  constexpr std::int64_t again_ms = 20;
  const fs::path path = home / "drill.lock";
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return fail(hz::why("base.write"), "{}", path.string());
  for (std::int64_t waited = 0; ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0; waited += again_ms) {
    if (waited >= wait_ms_max) return fail(drill::why("drill.under_way"), "waited {} ms", wait_ms_max);
    std::this_thread::sleep_for(std::chrono::milliseconds(again_ms));
  }
  return DrillTurn(std::move(fd));
}

Result<LiveDrill> LiveDrill::of(api::Ctx& ctx, drill::KnownDrill drill, LiveOptions options) {
  auto world = HZ_TRY(world_of(ctx, drill.said.mode));
  LiveDrill out(ctx, std::move(drill), std::move(options));
  out.products_ = world.products;
  out.rehearsal_ = HZ_TRY(drill::Rehearsal::of(std::move(world), out.drill_.said.targets, out.drill_.said.control_bp));
  out.plan_ = HZ_TRY(out.rehearsal_->plan());
  return out;
}

std::vector<LiveLine> LiveDrill::lines() const {
  std::vector<LiveLine> out;
  for (const drill::ProductPlan& p : plan_.products) {
    LiveLine line{"product:" + p.product, std::string(enum_text(p.outcome)), "", "", "", "", p.gap};
    if (p.choice) {
      line.backend = p.choice->backend;
      line.site = p.choice->site;
      line.evidence = p.choice->evidence;
      const auto at = std::ranges::find(drill_.products, line.product, &drill::ProductState::product);
      if (!on_table())
        line.claim = ProductDrill::substitute_claim(drill_, line.product, at == drill_.products.end() ? nullptr : &*at);
    }
    out.push_back(std::move(line));
  }
  return out;
}

Result<std::vector<WouldSay>> LiveDrill::would_say() {
  std::vector<WouldSay> out;
  if (options_.deny_list && !drill_.block) {
    drill::DrillBlock block = HZ_TRY(deny_list(*ctx_, *rehearsal_));
    block.drill = drill_.id;
    out.push_back({std::string(drill::DrillBlock::kind), json::dump(to_json(block))});
  }
  for (const drill::ProductPlan& p : plan_.products) {
    const auto known = std::ranges::find(drill_.products, "product:" + p.product, &drill::ProductState::product);
    drill::ProductState state = known == drill_.products.end() ? drill::ProductState{} : *known;
    ProductDrill one(*this, p, state);
    for (const auto& [kind, body] : one.would_say()) out.push_back({std::string(kind), json::dump(body)});
  }
  return out;
}

// What is taken away is in the log before anything is started without it.
Result<void> LiveDrill::say_block() {
  if (!options_.deny_list || drill_.block) return {};
  for (const drill::ProductState& state : drill_.products)
    if (state.stage == Stage::prepared || state.stage == Stage::proved || drill::has_way_back(state))
      return fail(drill::why("drill.block_late"), "{} is {}", state.product, enum_text(state.stage));
  drill::DrillBlock block = HZ_TRY(deny_list(*ctx_, *rehearsal_));
  block.drill = drill_.id;
  std::int64_t steps = 0;
  for (const drill::ProductState& state : drill_.products) steps += state.steps;
  const Digest key = crypto::sha256(as_bytes(fmt::format("hezong/block\n{}\n{}", drill_.id, steps)));
  HZ_TRY(HZ_TRY(ctx_->member())->append(alliance::draft(block, {{"depends-on", drill_.id}}, key)));
  drill_.block = std::move(block);
  return {};
}

// The clocks of all products that the loss touches start together, in one write.
Result<void> LiveDrill::say_lost() {
  std::vector<alliance::Draft> drafts;
  std::vector<drill::DrillStep> steps;
  const std::int64_t now_ms = ctx_->clock().now_ms();
  for (const drill::ProductPlan& p : plan_.products) {
    if (p.outcome == drill::Outcome::kept) continue;
    const drill::ProductState& state = drill::state_of(drill_, "product:" + p.product);
    const bool begins = state.steps == 0 || state.stage == Stage::failed_back || state.stage == Stage::rolled_back;
    if (!begins) continue;
    steps.push_back({.drill = drill_.id,
                     .product = "product:" + p.product,
                     .stage = Stage::waiting,
                     .detail = on_table() ? "on the table: lost from now on" : "lost from now on"});
    const std::string key = fmt::format("hezong/drill\n{}\n{}\nwaiting\n{}", drill_.id, p.product, state.steps);
    drafts.push_back(alliance::draft(steps.back(), {{"depends-on", drill_.id}}, crypto::sha256(as_bytes(key))));
    drafts.back().issued_ms = now_ms;
  }
  if (drafts.empty()) return {};
  HZ_TRY(HZ_TRY(ctx_->member())->append(drafts));
  for (const drill::DrillStep& step : steps) drill::fold(drill::state_of(drill_, step.product), step, now_ms);
  return {};
}

// Servers that no route names any more. The gateway takes a route over within a moment, and requests that began stay
// where they began: so they are ended when both are past.
void LiveDrill::end_later(const std::string& claim, const std::string& site) {
  const auto held = turn();
  ending_.emplace_back(claim, site);
}
Result<void> LiveDrill::end_now() {
  if (ending_.empty()) return {};
  ctx_->progress().phase("letting requests end", 0);
  std::this_thread::sleep_for(std::chrono::milliseconds(options_.drain_ms));
  for (const auto& [claim, site] : ending_) HZ_TRY(HZ_TRY(site_adapter(*ctx_, site))->cancel(claim));
  ending_.clear();
  return {};
}

Result<bool> LiveDrill::each(const std::function<Result<bool>(ProductDrill&)>& act) {
  HZ_TRY(HZ_TRY(ctx_->member())->views());
  // The list does not move any more: each thread keeps its own element.
  for (const drill::ProductPlan& p : plan_.products) drill::state_of(drill_, "product:" + p.product);
  std::vector<Result<bool>> done(plan_.products.size(), false);
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < plan_.products.size(); ++i)
      threads.emplace_back([&, i] {
        const drill::ProductPlan& p = plan_.products[i];
        drill::ProductState* state = nullptr;
        {
          const auto held = turn();
          state = &drill::state_of(drill_, "product:" + p.product);
        }
        ProductDrill one(*this, p, *state);
        done[i] = act(one);
      });
  }
  std::erase_if(drill_.products, [](const drill::ProductState& state) { return state.steps == 0; });
  HZ_TRY(end_now());
  bool any = false;
  for (Result<bool>& one : done) {
    if (!one) return std::unexpected(std::move(one).error());
    any |= *one;
  }
  return any;
}

template <class Act>
auto LiveDrill::on(const std::string& product, const Act& act) -> decltype(act(std::declval<ProductDrill&>())) {
  const auto planned =
      std::ranges::find(plan_.products, product.substr(product.find(':') + 1), &drill::ProductPlan::product);
  if (planned == plan_.products.end()) return fail(drill::why("drill.no_product"), "{}", product);
  ProductDrill one(*this, *planned, drill::state_of(drill_, product));
  return act(one);
}
Result<std::optional<LiveDrill::Look>> LiveDrill::look(const std::string& product, std::int64_t cases) {
  return on(product, [&](ProductDrill& one) { return one.look(cases); });
}
Result<bool> LiveDrill::roll_back(const std::string& product, const std::string& cause) {
  const bool moved = HZ_TRY(on(product, [&](ProductDrill& one) { return one.roll_back(cause); }));
  HZ_TRY(HZ_TRY(ctx_->member())->rest());
  HZ_TRY(end_now());
  return moved;
}
Result<void> LiveDrill::end_left(const std::string& product) {
  const drill::ProductState& state = drill::state_of(drill_, product);
  if (state.stage == Stage::rolled_back) end_later(state.claim, state.site);
  return end_now();
}
QualityTerms LiveDrill::terms(const std::string& product) {
  const auto said = on(product, [](ProductDrill& one) -> Result<QualityTerms> { return one.terms(); });
  return said.value_or(QualityTerms{});
}

Result<bool> LiveDrill::apply() {
  HZ_TRY(say_block());
  HZ_TRY(say_lost());
  return each([](ProductDrill& one) { return one.apply(); });
}
Result<bool> LiveDrill::verify(std::int64_t cases) {
  return each([cases](ProductDrill& one) { return one.verify(cases); });
}
Result<bool> LiveDrill::fail_back() {
  const bool any = HZ_TRY(each([](ProductDrill& one) { return one.fail_back(); }));
  // Given back when no product needs it any more.
  if (drill_.block && std::ranges::none_of(drill_.products, drill::has_way_back)) {
    const drill::DrillBlock lifted{drill_.id, true, {}, {}, {}};
    HZ_TRY(HZ_TRY(ctx_->member())->append(alliance::draft(lifted, {{"depends-on", drill_.id}})));
    drill_.block.reset();
    return true;
  }
  return any;
}

}  // namespace hz::node
