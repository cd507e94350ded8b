#include "node/live_drill.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <thread>

#include "blob/store.h"
#include "crypto/hash.h"
#include "drill/rehearsal.h"
#include "node/reasons.h"
#include "pool/claims.h"
#include "pool/gate_table.h"
#include "pool/serving.h"
#include "sandbox/plain_http.h"
#include "sql/db.h"
#include "standards/oip_session.h"
#include "standards/products.h"

namespace hz::node {
namespace {

constexpr std::int64_t poll_ms = 20, ask_ms_max = 30'000;

// "d" and the drill's first digits, the product, and the side: fixed, so that asking again finds the same server.
std::string claim_of(const drill::KnownDrill& drill, std::string_view product, std::string_view side) {
  std::string out = fmt::format("d{}-", drill.id.substr(0, 10));
  for (const char c : product.substr(product.find(':') + 1))
    out += (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '-';
  return fmt::format("{}-{}", out.substr(0, 50), side);
}

// The substitute's: of the attempt under way, else of the next one, since a server that was ended is not started again.
std::string substitute_claim(const drill::KnownDrill& drill, std::string_view product,
                             const drill::ProductState* state) {
  using drill::Stage;
  if (!state) return claim_of(drill, product, "substitute");
  const bool under_way =
      state->stage == Stage::prepared || state->stage == Stage::proved || drill::is_over_there(state->stage);
  if (under_way && !state->claim.empty()) return state->claim;
  return claim_of(drill, product, state->steps == 0 ? "substitute" : fmt::format("substitute{}", state->steps));
}

std::string reason_of(const drill::KnownDrill& drill, std::string_view what) {
  return fmt::format("drill {}: {}", drill.id.substr(0, 12), what);
}

Result<std::unique_ptr<pool::SiteAdapter>> adapter(api::Ctx& ctx, const std::string& site) {
  const auto config = HZ_TRY(pool::site_config(ctx.home, site));
  return pool::open_site({ctx.home, {ctx.tool_dirs.begin(), ctx.tool_dirs.end()}}, config);
}

std::string percent(std::int64_t milli) { return fmt::format("{}.{} %", milli / 10, milli % 10); }

}  // namespace

// One product in one drill. A `refused` outcome is a step; errors are of this machine.
class ProductDrill {
 public:
  ProductDrill(LiveDrill& live, const drill::ProductPlan& plan, drill::ProductState& state)
      : live_(live), plan_(plan), id_("product:" + plan.product), state_(state), ctx_(*live.ctx_) {}

  // Asked for now, waited for later: so the substitutes of all products start together.
  void begin() {
    if (!plan_.choice || drill::is_over_there(state_.stage) || !find() || !product_) return;
    if (const auto place = adapter(ctx_, plan_.choice->site))
      (void)(*place)->submit(job(substitute_claim(live_.drill_, id_, &state_), plan_.choice->site,
                                 plan_.choice->backend, plan_.choice->evidence));
  }

  Result<bool> apply() {
    using drill::Stage;
    if (drill::is_over_there(state_.stage) && state_.stage != Stage::canary) return false;
    if (plan_.outcome == drill::Outcome::kept) return false;
    if (!plan_.choice) {
      if (state_.stage == Stage::unsaved) return false;
      HZ_TRY(say({.stage = Stage::unsaved, .detail = plan_.gap}));
      return true;
    }
    const drill::Option& choice = *plan_.choice;
    HZ_TRY(load());
    if (!product_) return refuse("its model or golden set is not here: release both, or name their folder");
    const auto started =
        start(substitute_claim(live_.drill_, id_, &state_), choice.site, choice.backend, choice.evidence);
    if (!started) return refuse_or_fail(started.error());
    if (state_.stage != Stage::prepared && state_.stage != Stage::proved && state_.stage != Stage::canary)
      HZ_TRY(say({.stage = Stage::prepared,
                  .claim = started->claim,
                  .site = choice.site,
                  .backend = choice.backend,
                  .detail = fmt::format("serves at {}:{}, isolation {}", started->address, started->port,
                                        enum_text(started->isolation))}));
    if (state_.stage == Stage::prepared) {
      const auto seen = look(*started, 0);
      if (const std::string bad = wrong_with(seen, choice.quality_milli + choice.drop_milli); !bad.empty()) {
        live_.end_later(started->claim, choice.site);
        return refuse(bad);
      }
      HZ_TRY(say(with({.stage = Stage::proved, .claim = started->claim, .site = choice.site, .backend = choice.backend},
                      seen)));
    }
    const pool::Target there{started->claim, choice.site, choice.backend, 1};
    if (state_.stage == Stage::proved) HZ_TRY(canary(there, *started));
    if (state_.stage == Stage::canary) HZ_TRY(switch_to(there));
    if (state_.stage == Stage::switched && live_.options_.end_lost) HZ_TRY(end_lost());
    return true;
  }

  Result<bool> verify(std::int64_t cases) {
    using drill::Stage;
    if (!drill::is_over_there(state_.stage)) return false;
    HZ_TRY(load());
    if (!product_) return refuse("its model or golden set is not here: release both, or name their folder");
    const auto serving = served(state_.claim);
    standards::ModelResult seen;
    std::string bad = fmt::format("{} does not serve", state_.claim);
    if (serving) {
      seen = look(*serving, cases);
      bad = wrong_with(seen, before_milli());
    }
    if (!bad.empty()) {
      const auto back = incumbent();
      if (!back) return refuse(fmt::format("{}; and there is nothing to roll back to: {}", bad, back.error().detail));
      HZ_TRY(return_to(*back, Stage::rolled_back, bad));
      return true;
    }
    drill::DrillStep step = with({.stage = Stage::verified}, seen);
    step.detail += compared(cases);
    HZ_TRY(say(std::move(step)));
    return true;
  }

  Result<bool> fail_back() {
    // A server that was left when the command was cut off after the traffic had gone.
    if (state_.stage == drill::Stage::failed_back && served(state_.claim)) live_.end_later(state_.claim, state_.site);
    if (!drill::is_over_there(state_.stage)) return false;
    HZ_TRY(load());
    if (!product_) return refuse("its model or golden set is not here: release both, or name their folder");
    const auto back = incumbent();
    if (!back) return refuse_or_fail(back.error(), true);
    HZ_TRY(return_to(*back, drill::Stage::failed_back, ""));
    return true;
  }

 private:
  struct Incumbent {
    pool::Route route;
    standards::ModelResult seen;
  };

  alliance::Member& member() { return **ctx_.member(); }
  Result<sql::Db*> views() { return member().views(); }

  Result<void> say(drill::DrillStep step) {
    step.drill = live_.drill_.id;
    step.product = id_;
    const std::string key =
        fmt::format("hezong/drill\n{}\n{}\n{}\n{}", step.drill, step.product, enum_text(step.stage), state_.steps);
    ctx_.progress().phase(fmt::format("{}: {}", step.product, enum_text(step.stage)), 0);
    HZ_TRY(member().append(alliance::draft(step, {{"depends-on", step.drill}}, crypto::sha256(as_bytes(key)))));
    drill::fold(state_, step, ctx_.clock().now_ms());
    return {};
  }
  // The product stays where it is; that is no error of the command.
  Result<bool> refuse(std::string why) {
    const bool there = drill::is_over_there(state_.stage);
    // Where the traffic is decides what can be done next, so a failed way back leaves the step as it is.
    HZ_TRY(say({.stage = there ? state_.stage : drill::Stage::refused, .detail = std::move(why)}));
    return true;
  }
  Result<bool> refuse_or_fail(const Error& error, bool way_back = false) {
    const std::string_view slug = error.reason->slug;
    if (slug.starts_with("sql.") || slug.starts_with("log.") || slug == "base.write") return std::unexpected(error);
    return refuse(way_back ? "the way back is closed: " + error.text() : error.text());
  }
  static drill::DrillStep with(drill::DrillStep step, const standards::ModelResult& seen) {
    step.verdict = enum_text(seen.verdict);
    step.cases = seen.cases;
    step.quality_milli = seen.quality_milli;
    step.agreement_milli = seen.agreement_milli;
    if (step.detail.empty())
      step.detail = fmt::format("{} on {} cases: quality {}, agreement {}", step.verdict, step.cases,
                                percent(step.quality_milli), percent(step.agreement_milli));
    return step;
  }

  // The product, and where its model and golden set are: in the blob store or the folder named. `product_` stays null
  // when one is missing.
  Result<void> find() {
    if (product_) return {};
    for (const standards::Product& one : HZ_TRY(standards::recorded_products(*HZ_TRY(views()))))
      if (one.id == id_ && one.member == member().id()) found_ = one;
    if (!found_) return {};
    std::map<std::string, fs::path> files;
    if (!live_.options_.products.empty()) files = HZ_TRY(standards::index_files(live_.options_.products));
    const auto path_of = [&](const std::string& sha256) -> fs::path {
      const auto digest = parse_digest(sha256);
      if (digest && member().blobs().has(*digest)) return member().blobs().path(*digest);
      const auto at = files.find(sha256);
      return at == files.end() ? fs::path() : at->second;
    };
    model_path_ = path_of(found_->model_sha256);
    golden_path_ = path_of(found_->golden_sha256);
    if (!model_path_.empty() && !golden_path_.empty()) product_ = &*found_;
    return {};
  }
  // And their bytes, which only asking needs.
  Result<void> load() {
    HZ_TRY(find());
    if (!product_ || golden_) return {};
    model_ = HZ_TRY(read_file(model_path_, 1u << 30));
    golden_ =
        HZ_TRY(standards::decode_golden(HZ_TRY(read_file(golden_path_, standards::GoldenLimits{}.size_bytes_max))));
    return {};
  }

  // ---- servers

  pool::ServerJob job(const std::string& claim, const std::string& site, const std::string& backend,
                      const std::string& evidence) {
    return {.claim = claim,
            .site = site,
            .product = id_,
            .backend = backend,
            .model_sha256 = product_->model_sha256,
            .model_path = model_path_.string(),
            .limits = {},
            // Of the machine, as keepers are: the command's own clock may stand still.
            .deadline_ms = system_clock().now_ms() + live_.options_.ready_ms_max,
            .evidence = evidence};
  }
  // Ready, with the model it was asked to serve. Errors: pool.*; node.not_ready.
  Result<pool::Observed> start(const std::string& claim, const std::string& site, const std::string& backend,
                               const std::string& evidence) {
    const auto place = HZ_TRY(adapter(ctx_, site));
    const std::int64_t begun = system_clock().now_ms();
    pool::Observed seen = HZ_TRY(place->submit(job(claim, site, backend, evidence)));
    ctx_.progress().phase(fmt::format("{}: starting {} at {}", id_, backend, site), 0);
    while (seen.state != pool::JobState::ready) {
      if (pool::is_over(seen.state)) return fail(why("node.not_ready"), "{}: {}", claim, seen.detail);
      if (system_clock().now_ms() - begun > live_.options_.ready_ms_max)
        return fail(why("node.not_ready"), "{}: {} after {} ms", claim, enum_text(seen.state),
                    live_.options_.ready_ms_max);
      std::this_thread::sleep_for(std::chrono::milliseconds(poll_ms));
      seen = HZ_TRY(place->observe(claim));
    }
    return seen;
  }
  // As the serving folder says; nothing when it does not serve.
  std::optional<pool::Observed> served(const std::string& claim) const {
    for (const pool::Serving& one : pool::read_serving_folder(ctx_.home / "serving").servers) {
      if (one.claim != claim) continue;
      pool::Observed out = pool::blank(claim, pool::JobState::ready);
      out.address = one.address;
      out.port = one.port;
      out.model = one.model;
      return out;
    }
    return std::nullopt;
  }

  // ---- answers

  // Golden cases asked of a running server; 0: all of them.
  standards::ModelResult look(const pool::Observed& server, std::int64_t cases) {
    standards::Product wanted = *product_;
    wanted.quality_min_milli -= noise_milli(cases);
    const standards::Golden asked = cases > 0
                                        ? standards::sample_of(*golden_, static_cast<std::size_t>(cases),
                                                               static_cast<std::uint64_t>(system_clock().now_ms()))
                                        : *golden_;
    ctx_.progress().phase(fmt::format("{}: {} golden cases", id_, asked.cases), 0);
    const standards::Opener open = [&]() -> Result<std::unique_ptr<standards::Session>> {
      return standards::attach_oip_session(
          sandbox::plain_exchange(server.address, static_cast<std::uint16_t>(server.port), ask_ms_max), server.model);
    };
    return standards::test_product(wanted, model_, asked, open, {}, {});
  }
  // Two standard errors of a share measured on so many cases, counted at the worst, a half. None on the whole set.
  std::int64_t noise_milli(std::int64_t cases) const {
    if (cases <= 0 || cases >= static_cast<std::int64_t>(golden_->cases)) return 0;
    return static_cast<std::int64_t>(1'000 / std::sqrt(static_cast<double>(cases)));
  }
  // "" when the answers may carry the product.
  std::string wrong_with(const standards::ModelResult& seen, std::int64_t quality_before_milli) const {
    if (seen.verdict != standards::Verdict::strict && seen.verdict != standards::Verdict::basic_only)
      return fmt::format("{}: {}", enum_text(seen.verdict), seen.worst);
    const auto known = std::ranges::find(live_.products_, plan_.product, &drill::Product::id);
    const std::int64_t drop_max = known == live_.products_.end() ? 0 : known->quality_drop_max_milli;
    const std::int64_t noise = noise_milli(seen.cases);
    if (quality_before_milli - seen.quality_milli > drop_max + noise)
      return fmt::format("quality fell from {} to {}, {} may be lost{}", percent(quality_before_milli),
                         percent(seen.quality_milli), percent(drop_max),
                         noise ? fmt::format(" and {} is noise of {} cases", percent(noise), seen.cases) : "");
    return "";
  }
  std::int64_t before_milli() const {
    return plan_.choice ? plan_.choice->quality_milli + plan_.choice->drop_milli : 0;
  }
  // The same sample on the incumbent, where one still serves: what changed, beside what is right.
  std::string compared(std::int64_t cases) {
    const auto before = route_before();
    if (!before) return "";
    for (const pool::Target& target : before->targets) {
      const auto still = served(target.claim);
      if (!still || target.claim == state_.claim) continue;
      const auto seen = look(*still, cases);
      return fmt::format("; incumbent {}: quality {}, agreement {}", target.backend, percent(seen.quality_milli),
                         percent(seen.agreement_milli));
    }
    return "; the incumbent serves no more";
  }

  // ---- routes

  Result<std::optional<pool::GateTable::Routed>> route_now() {
    const auto table = HZ_TRY(pool::read_gate_table(*HZ_TRY(views()), member().id()));
    const auto found = table.routes.find(id_);
    if (found == table.routes.end()) return std::optional<pool::GateTable::Routed>();
    return std::optional(found->second);
  }
  // The route that this drill found.
  std::optional<pool::Route> route_before() {
    if (state_.route_before.empty()) return std::nullopt;
    auto s = member().find(state_.route_before);
    if (!s || !member().open(*s)) return std::nullopt;
    auto route = from_json<pool::Route>(s->body);
    return route ? std::optional(*std::move(route)) : std::nullopt;
  }
  Result<std::string> set_route(std::vector<pool::Target> targets, const std::string& what,
                                const std::vector<std::string>& evidence) {
    const auto now = HZ_TRY(route_now());
    pool::Route route{id_, std::move(targets), evidence, reason_of(live_.drill_, what)};
    if (now) route.deadline_ms = now->route.deadline_ms;
    if (now && to_json(now->route) == to_json(route)) return now->statement;
    return HZ_TRY(member().append(alliance::draft(route))).id;
  }

  // A part of the traffic goes over while the incumbent still serves, and known answers are asked of the substitute.
  Result<void> canary(const pool::Target& there, const pool::Observed& server) {
    const auto now = HZ_TRY(route_now());
    const std::string before = now ? now->statement : "";
    std::vector<pool::Target> shared;
    if (now)
      for (const pool::Target& t : now->route.targets)
        if (t.claim != there.claim && served(t.claim)) {
          shared.push_back(t);
          shared.back().weight = std::max<std::int64_t>(1, 100 - live_.options_.canary_weight_percent);
        }
    if (shared.empty())  // nobody serves it: then there is no traffic to split
      return say({.stage = drill::Stage::canary,
                  .claim = there.claim,
                  .route_before = before,
                  .detail = "nothing else serves it, so no part of the traffic went first"});
    shared.push_back(there);
    shared.back().weight = live_.options_.canary_weight_percent;
    const std::string route = HZ_TRY(set_route(shared, "canary", evidence()));
    const auto seen = look(server, live_.options_.canary_cases);
    if (const std::string bad = wrong_with(seen, before_milli()); !bad.empty()) {
      HZ_TRY(set_route(now->route.targets, "canary taken back", now->route.evidence));
      live_.end_later(there.claim, there.site);
      return say(with({.stage = drill::Stage::rolled_back, .claim = there.claim, .route_before = before, .detail = bad},
                      seen));
    }
    return say(
        with({.stage = drill::Stage::canary, .claim = there.claim, .route = route, .route_before = before}, seen));
  }
  std::vector<std::string> evidence() const {
    return plan_.choice && !plan_.choice->evidence.empty() ? std::vector{plan_.choice->evidence}
                                                           : std::vector<std::string>();
  }
  Result<void> switch_to(const pool::Target& there) {
    const std::string route = HZ_TRY(set_route({there}, "switched", evidence()));
    return say({.stage = drill::Stage::switched,
                .claim = there.claim,
                .site = there.site,
                .backend = there.backend,
                .route = route,
                .detail = fmt::format("all requests go to {} at {}", there.backend, there.site)});
  }
  // As if the supplier were gone: what was forgotten shows itself.
  Result<void> end_lost() {
    const auto before = route_before();
    if (!before) return {};
    for (const pool::Target& t : before->targets)
      if (t.backend == plan_.incumbent && t.claim != state_.claim && served(t.claim)) live_.end_later(t.claim, t.site);
    return {};
  }

  // The side that served before the drill: running, started again where it ended, and right on the whole golden set.
  Result<Incumbent> incumbent() {
    auto before = route_before();
    if (!before) return fail(why("node.no_way_back"), "{} had no route before the drill", id_);
    Incumbent out{*before, {}};
    out.route.targets.clear();
    for (std::size_t i = 0; i < before->targets.size(); ++i) {
      pool::Target target = before->targets[i];
      auto server = served(target.claim);
      if (!server) {
        target.claim = claim_of(live_.drill_, id_, fmt::format("back{}-{}", i, state_.steps));
        server = HZ_TRY(start(target.claim, target.site, target.backend, ""));
      }
      out.seen = look(*server, 0);
      if (const std::string bad = wrong_with(out.seen, before_milli()); !bad.empty())
        return fail(why("node.no_way_back"), "{}: {}", target.claim, bad);
      out.route.targets.push_back(std::move(target));
    }
    return out;
  }
  Result<void> return_to(const Incumbent& back, drill::Stage stage, const std::string& cause) {
    const std::string route = HZ_TRY(set_route(back.route.targets, std::string(enum_text(stage)), back.route.evidence));
    const std::string claim = state_.claim, site = state_.site;
    drill::DrillStep said{.stage = stage, .route = route, .detail = cause};
    HZ_TRY(say(with(std::move(said), back.seen)));
    live_.end_later(claim, site);
    return {};
  }

  LiveDrill& live_;
  const drill::ProductPlan& plan_;
  const std::string id_;
  drill::ProductState& state_;
  api::Ctx& ctx_;
  std::optional<standards::Product> found_;
  const standards::Product* product_ = nullptr;
  fs::path model_path_, golden_path_;
  Bytes model_;
  std::optional<standards::Golden> golden_;
};

Result<LiveDrill> LiveDrill::of(api::Ctx& ctx, drill::KnownDrill drill, LiveOptions options) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  auto world = HZ_TRY(drill::load_world(*HZ_TRY(member.views())));
  std::set<std::string> here;
  for (const pool::SiteConfig& one : HZ_TRY(pool::site_configs(ctx.home))) here.insert(one.site);
  std::erase_if(world.sites, [&](const drill::Site& site) { return !here.contains(site.id); });
  LiveDrill out(ctx, std::move(drill), std::move(options));
  out.products_ = world.products;
  const auto rehearsal =
      HZ_TRY(drill::Rehearsal::of(std::move(world), out.drill_.said.targets, out.drill_.said.control_bp));
  out.plan_ = HZ_TRY(rehearsal->plan());
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
      line.claim = substitute_claim(drill_, line.product, at == drill_.products.end() ? nullptr : &*at);
    }
    out.push_back(std::move(line));
  }
  return out;
}

namespace {
drill::ProductState& state_of(drill::KnownDrill& drill, const std::string& product) {
  auto at = std::ranges::lower_bound(drill.products, product, {}, &drill::ProductState::product);
  if (at == drill.products.end() || at->product != product) {
    at = drill.products.insert(at, drill::ProductState{});
    at->product = product;
    at->opened_ms = drill.opened_ms;
  }
  return *at;
}
}  // namespace

// Servers that no route names any more. The gateway takes a route over within a moment, and requests that began stay
// where they began: so they are ended when both are past.
void LiveDrill::end_later(const std::string& claim, const std::string& site) { ending_.emplace_back(claim, site); }
Result<void> LiveDrill::end_now() {
  if (ending_.empty()) return {};
  ctx_->progress().phase("letting requests end", 0);
  std::this_thread::sleep_for(std::chrono::milliseconds(options_.drain_ms));
  for (const auto& [claim, site] : ending_) HZ_TRY(HZ_TRY(adapter(*ctx_, site))->cancel(claim));
  ending_.clear();
  return {};
}

Result<bool> LiveDrill::each(const std::function<Result<bool>(ProductDrill&)>& act) {
  bool any = false;
  for (const drill::ProductPlan& p : plan_.products) {
    ProductDrill one(*this, p, state_of(drill_, "product:" + p.product));
    any |= HZ_TRY(act(one));
  }
  HZ_TRY(end_now());
  return any;
}
Result<bool> LiveDrill::apply() {
  HZ_TRY(each([](ProductDrill& one) -> Result<bool> {
    one.begin();
    return false;
  }));
  return each([](ProductDrill& one) { return one.apply(); });
}
Result<bool> LiveDrill::verify(std::int64_t cases) {
  return each([cases](ProductDrill& one) { return one.verify(cases); });
}
Result<bool> LiveDrill::fail_back() {
  return each([](ProductDrill& one) { return one.fail_back(); });
}

}  // namespace hz::node
