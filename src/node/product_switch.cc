// There: prepared, proved, canary, switched. And back.
#include <algorithm>

#include "node/product_drill.h"
#include "node/reasons.h"

namespace hz::node {

using drill::Stage;

namespace {
std::string not_here() { return "its model or golden set is not here: release both, or name their folder"; }
}  // namespace

Result<bool> ProductDrill::apply() {
  if (live_.on_table()) return apply_on_table();
  if (plan_.outcome == drill::Outcome::kept) return live_.drill_.block ? keep_or_break() : Result<bool>(false);
  const std::int64_t before = state_.steps;
  if (!plan_.choice) {
    if (state_.stage != Stage::unsaved) HZ_TRY(say({.stage = Stage::unsaved, .detail = plan_.gap}));
  } else if (!drill::is_over_there(state_.stage) || state_.stage == Stage::canary) {
    HZ_TRY(move());
  }
  // Also when an earlier command was cut off before it came to this.
  if (state_.stage == Stage::unsaved || state_.stage == Stage::switched || state_.stage == Stage::refused)
    HZ_TRY(make_it_real());
  return state_.steps > before;
}
Result<void> ProductDrill::make_it_real() {
  if (live_.drill_.block) return show_break();
  if (live_.options_.end_lost && state_.stage == Stage::switched) return end_lost();
  return {};
}

Result<bool> ProductDrill::move() {
  const drill::Option& choice = *plan_.choice;
  if (!HZ_TRY(have_answers())) return refuse(not_here());
  const auto started =
      start(substitute_claim(live_.drill_, id_, &state_), choice.site, choice.backend, choice.evidence, true);
  if (!started) return refuse_or_fail(started.error());
  if (state_.stage != Stage::prepared && state_.stage != Stage::proved && state_.stage != Stage::canary)
    HZ_TRY(say({.stage = Stage::prepared,
                .claim = started->claim,
                .site = choice.site,
                .backend = choice.backend,
                .detail = fmt::format("serves at {}:{}, isolation {}", started->address, started->port,
                                      enum_text(started->isolation))}));
  if (state_.stage == Stage::prepared) {
    tell("the whole golden set");
    const auto seen = answers_->ask(*started, 0, 0);
    if (const std::string bad = wrong_with(seen.answers, seen.worst, {}, terms()); !bad.empty()) {
      live_.end_later(started->claim, choice.site);
      return refuse(bad);
    }
    // Said before any route is made: a command that is cut off between the two must not take its own route for the one
    // to go back to.
    const auto found = HZ_TRY(route_now());
    HZ_TRY(say({.stage = Stage::proved,
                .claim = started->claim,
                .site = choice.site,
                .backend = choice.backend,
                .answers = seen.answers,
                .route_before = found ? found->statement : "",
                .detail = sentence(seen.answers)}));
  }
  const pool::Target there{started->claim, choice.site, choice.backend, 1};
  if (state_.stage == Stage::proved) HZ_TRY(canary(there, *started));
  if (state_.stage == Stage::canary) HZ_TRY(switch_to(there));
  return true;
}

// The same cases on what served before, where one still serves.
KnownAnswers::Seen ProductDrill::beside(const std::vector<pool::Target>& targets, std::int64_t cases,
                                        std::uint64_t seed) {
  for (const pool::Target& target : targets)
    if (const auto still = served(target.claim); still && target.claim != state_.claim) {
      auto seen = answers_->ask(*still, cases, seed);
      // One that answers nonsense is no measure.
      if (seen.answers.quality_milli > 0) return seen;
    }
  return {};
}

// A part of the traffic goes over while the incumbent still serves, and known answers are asked of both.
Result<void> ProductDrill::canary(const pool::Target& there, const pool::Observed& server) {
  const std::string before = state_.route_before;
  const auto original = route_before();
  std::vector<pool::Target> shared, serving;
  if (original)
    for (const pool::Target& t : original->targets)
      if (t.claim != there.claim && served(t.claim)) {
        serving.push_back(t);
        shared.push_back(t);
        shared.back().weight = std::max<std::int64_t>(1, 100 - live_.options_.canary_weight_percent);
      }
  if (shared.empty())  // nobody serves it: then there is no traffic to split
    return say({.stage = Stage::canary,
                .claim = there.claim,
                .route_before = before,
                .detail = "nothing else serves it, so no part of the traffic went first"});
  shared.push_back(there);
  shared.back().weight = live_.options_.canary_weight_percent;
  const std::string route = HZ_TRY(set_route(shared, "canary", evidence()));
  tell("canary");
  const auto seed = static_cast<std::uint64_t>(system_clock().now_ms());
  const auto seen = answers_->ask(server, live_.options_.canary_cases, seed);
  const auto other = beside(serving, live_.options_.canary_cases, seed);
  drill::DrillStep step{.stage = Stage::canary,
                        .claim = there.claim,
                        .answers = seen.answers,
                        .incumbent = other.answers,
                        .route = route,
                        .route_before = before,
                        .detail = sentence(seen.answers)};
  if (other.answers.cases > 0) step.detail += "; the incumbent on the same: " + sentence(other.answers);
  if (const std::string bad = wrong_with(seen.answers, seen.worst, other.answers, terms()); !bad.empty()) {
    step.route = HZ_TRY(set_route(original->targets, "canary taken back", original->evidence));
    live_.end_later(there.claim, there.site);
    step.stage = Stage::rolled_back;
    step.detail = bad;
  }
  return say(std::move(step));
}

Result<void> ProductDrill::switch_to(const pool::Target& there) {
  const std::string route = HZ_TRY(set_route({there}, "switched", evidence()));
  return say({.stage = Stage::switched,
              .claim = there.claim,
              .site = there.site,
              .backend = there.backend,
              .route = route,
              .detail = fmt::format("all requests go to {} at {}", there.backend, there.site)});
}

LiveDrill::Look ProductDrill::look_now(std::int64_t cases) {
  const auto serving = served(state_.claim);
  if (!serving) return {{}, {}, fmt::format("{} does not serve", state_.claim)};
  const auto seed = static_cast<std::uint64_t>(system_clock().now_ms());
  const auto seen = answers_->ask(*serving, cases, seed);
  const auto before = route_before();
  const auto other = before ? beside(before->targets, cases, seed) : KnownAnswers::Seen{};
  return {seen.answers, other.answers, wrong_with(seen.answers, seen.worst, other.answers, terms())};
}
Result<std::optional<LiveDrill::Look>> ProductDrill::look(std::int64_t cases) {
  const bool may = !live_.on_table() && drill::is_over_there(state_.stage) && HZ_TRY(have_answers());
  return may ? std::optional(look_now(cases)) : std::nullopt;
}

Result<bool> ProductDrill::verify(std::int64_t cases) {
  if (live_.on_table()) return verify_on_table();
  if (!drill::is_over_there(state_.stage)) return false;
  if (!HZ_TRY(have_answers())) return refuse(not_here());
  const LiveDrill::Look seen = look_now(cases);
  if (!seen.bad.empty()) {
    HZ_TRY(roll_back(seen.bad));
    return true;
  }
  HZ_TRY(say({.stage = Stage::verified,
              .answers = seen.answers,
              .incumbent = seen.incumbent,
              .detail = sentence(seen.answers) + (seen.incumbent.cases > 0
                                                      ? "; the incumbent on the same: " + sentence(seen.incumbent)
                                                      : "; the incumbent serves no more")}));
  return true;
}

Result<bool> ProductDrill::roll_back(const std::string& cause) {
  if (live_.on_table() || !drill::is_over_there(state_.stage)) return false;
  // Somebody sent its traffic elsewhere by hand: that is theirs to undo. A route of this way back was cut off before
  // its step.
  const auto now = HZ_TRY(route_now());
  const bool ours =
      now && (now->route.reason == reason_of(std::string(enum_text(Stage::rolled_back))) ||
              std::ranges::find(now->route.targets, state_.claim, &pool::Target::claim) != now->route.targets.end());
  if (!ours) return false;
  std::string why_not;
  if (HZ_TRY(have_answers())) {
    const auto back = incumbent();
    if (back) {
      HZ_TRY(return_to(*back, Stage::rolled_back, cause));
      return true;
    }
    if (const std::string_view slug = back.error().reason->slug; slug.starts_with("sql.") || slug.starts_with("log."))
      return std::unexpected(back.error());
    why_not = "there is nothing to roll back to: " + back.error().detail;
  } else {
    why_not = not_here();
  }
  // Once: each attempt would say it in other words, and starts its servers under the claims of the steps before it.
  const std::string begins = cause + "; and ";
  if (!state_.detail.starts_with(begins)) HZ_TRY(refuse(begins + why_not));
  return false;
}

Result<bool> ProductDrill::fail_back() {
  if (live_.on_table()) return fail_back_on_table();
  // A server that was left when the command was cut off after the traffic had gone.
  if (state_.stage == Stage::failed_back && served(state_.claim)) live_.end_later(state_.claim, state_.site);
  if (!drill::has_way_back(state_)) return false;
  if (!HZ_TRY(have_answers())) return refuse(not_here());
  const auto back = incumbent();
  if (!back) return refuse_or_fail(back.error(), true);
  HZ_TRY(return_to(*back, Stage::failed_back, ""));
  return true;
}

// The side that served before the drill: running, started again where it ended (with nothing denied), and right on the
// whole golden set.
Result<ProductDrill::Incumbent> ProductDrill::incumbent() {
  auto before = route_before();
  if (!before) return fail(why("node.no_way_back"), "{} had no route before the drill", id_);
  Incumbent out{*before, {}};
  out.route.targets.clear();
  for (std::size_t i = 0; i < before->targets.size(); ++i) {
    pool::Target target = before->targets[i];
    auto server = served(target.claim);
    if (!server) {
      target.claim = claim_of(live_.drill_, id_, fmt::format("back{}-{}", i, state_.steps));
      server = HZ_TRY(start(target.claim, target.site, target.backend, "", false));
    }
    tell("the whole golden set, on the way back");
    out.seen = answers_->ask(*server, 0, 0);
    if (const std::string bad = wrong_with(out.seen.answers, out.seen.worst, {}, terms()); !bad.empty()) {
      if (target.claim != before->targets[i].claim) live_.end_later(target.claim, target.site);  // started for this
      return fail(why("node.no_way_back"), "{}: {}", target.claim, bad);
    }
    out.route.targets.push_back(std::move(target));
  }
  return out;
}
Result<void> ProductDrill::return_to(const Incumbent& back, Stage stage, const std::string& cause) {
  const std::string route = HZ_TRY(set_route(back.route.targets, std::string(enum_text(stage)), back.route.evidence));
  const std::string claim = state_.claim, site = state_.site;
  HZ_TRY(say({.stage = stage,
              .incumbent = back.seen.answers,
              .route = route,
              .detail = cause.empty() ? sentence(back.seen.answers) : cause}));
  if (!claim.empty()) live_.end_later(claim, site);
  return {};
}

}  // namespace hz::node
