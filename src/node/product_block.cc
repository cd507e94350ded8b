// What the loss breaks when it is real: the product's own server is started once more with everything denied that is
// lost, beside the running one, and what it runs into is written down. Then the running one is ended, since it holds in
// memory what it could not load again.
#include <algorithm>

#include "node/product_drill.h"
#include "node/reasons.h"
#include "pool/claims.h"

namespace hz::node {

using drill::Stage;

namespace {
std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : "; ") + part;
  return out;
}
}  // namespace

// What a server that does serve asked for all the same.
std::vector<std::string> ProductDrill::ran_into(const std::string& claim, const std::string& site) {
  std::vector<std::string> out;
  if (const auto place = site_adapter(ctx_, site))
    if (const auto seen = (*place)->observe(claim))
      for (const sandbox::Refusal& one : seen->refused) out.push_back(one.text());
  return out;
}

// For a product that the plan says stops: does its incumbent really need what is lost?
Result<void> ProductDrill::show_break() {
  auto before = route_before();
  std::string route;
  if (!before)
    if (const auto now = HZ_TRY(route_now())) {
      before = now->route;
      route = now->statement;
    }
  if (!before || !HZ_TRY(have_answers())) return {};
  for (std::size_t i = 0; i < before->targets.size(); ++i) {
    const pool::Target& target = before->targets[i];
    if (target.claim == state_.claim || !served(target.claim)) continue;
    const std::string claim = claim_of(live_.drill_, id_, fmt::format("lost{}-{}", i, state_.steps));
    const auto started = start(claim, target.site, target.backend, "", true);
    drill::DrillStep step{.stage = state_.stage, .route_before = route, .refused = last_refused_, .detail = {}};
    if (started) {
      const auto seen = answers_->ask(*started, live_.options_.canary_cases, 1);
      step.detail = fmt::format(
          "the plan says that it stops, and {} at {} starts and answers without what is lost ({}): its dependence was "
          "not seen on this host",
          target.backend, target.site, sentence(seen.answers));
      step.refused = ran_into(claim, target.site);
      live_.end_later(claim, target.site);
    } else if (started.error().reason->slug == "node.not_ready") {
      step.detail = fmt::format("without what is lost, {} at {} does not start: {}", target.backend, target.site,
                                last_refused_.empty() ? started.error().detail : joined(last_refused_));
    } else {
      HZ_TRY(refuse_or_fail(started.error()));
      continue;
    }
    HZ_TRY(say(std::move(step)));
    live_.end_later(target.claim, target.site);
  }
  return {};
}

// For a product that the plan says is not touched.
Result<bool> ProductDrill::keep_or_break() {
  if (state_.stage == Stage::holds || state_.stage == Stage::broken) return false;
  const auto now = HZ_TRY(route_now());
  if (!now || !HZ_TRY(have_answers())) return false;
  std::vector<pool::Target> serving;
  for (const pool::Target& target : now->route.targets)
    if (served(target.claim)) serving.push_back(target);
  if (serving.empty()) return false;
  drill::DrillStep step{.stage = Stage::holds, .route_before = now->statement, .detail = {}};
  for (std::size_t i = 0; i < serving.size(); ++i) {
    const pool::Target& target = serving[i];
    const std::string claim = claim_of(live_.drill_, id_, fmt::format("kept{}-{}", i, state_.steps));
    const auto started = start(claim, target.site, target.backend, "", true);
    std::string bad;
    if (started) {
      const auto seen = answers_->ask(*started, 0, 0);
      live_.end_later(claim, target.site);
      step.answers = seen.answers;
      if (seen.answers.verdict != "STRICT" && seen.answers.verdict != "BASIC_ONLY")
        bad = fmt::format("it answers otherwise: {}", seen.worst);
      for (std::string& one : ran_into(claim, target.site)) step.refused.push_back(std::move(one));
    } else if (started.error().reason->slug == "node.not_ready") {
      bad = last_refused_.empty() ? started.error().detail : joined(last_refused_);
      step.refused.insert(step.refused.end(), last_refused_.begin(), last_refused_.end());
    } else {
      return refuse_or_fail(started.error());
    }
    if (bad.empty()) {
      if (step.detail.empty())
        step.detail = fmt::format("{} at {} starts and answers without what is lost: {}", target.backend, target.site,
                                  sentence(step.answers));
      continue;
    }
    step.stage = Stage::broken;
    step.detail =
        fmt::format("the plan says that it is not touched, and without what is lost {} at {} does not serve: {}",
                    target.backend, target.site, bad);
    live_.end_later(target.claim, target.site);
  }
  HZ_TRY(say(std::move(step)));
  return true;
}

// As if the supplier were gone, without taking anything away: its servers end.
Result<void> ProductDrill::end_lost() {
  const auto before = route_before();
  if (!before) return {};
  for (const pool::Target& t : before->targets)
    if (t.backend == plan_.incumbent && t.claim != state_.claim && served(t.claim)) live_.end_later(t.claim, t.site);
  return {};
}

}  // namespace hz::node
