// What every step of a product needs: saying it, servers, routes.
#include "node/product_drill.h"

#include <algorithm>
#include <thread>

#include "crypto/hash.h"
#include "node/deny_list.h"
#include "node/reasons.h"
#include "pool/claims.h"
#include "pool/serving.h"

namespace hz::node {
namespace {

constexpr std::int64_t poll_ms = 10;

}  // namespace

std::string claim_of(const drill::KnownDrill& drill, std::string_view product, std::string_view side) {
  std::string out = fmt::format("d{}-", drill.id.substr(0, 10));
  for (const char c : product.substr(product.find(':') + 1))
    out += (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '-';
  return fmt::format("{}-{}", out.substr(0, 50), side);
}

std::string ProductDrill::substitute_claim(const drill::KnownDrill& drill, std::string_view product,
                                           const drill::ProductState* state) {
  using drill::Stage;
  if (!state) return claim_of(drill, product, "substitute");
  const bool under_way =
      state->stage == Stage::prepared || state->stage == Stage::proved || drill::is_over_there(state->stage);
  if (under_way && !state->claim.empty()) return state->claim;
  return claim_of(drill, product, state->steps <= 1 ? "substitute" : fmt::format("substitute{}", state->steps));
}

Result<void> ProductDrill::say(drill::DrillStep step) {
  const auto turn = live_.turn();
  step.drill = live_.drill_.id;
  step.product = id_;
  const std::string key =
      fmt::format("hezong/drill\n{}\n{}\n{}\n{}", step.drill, step.product, enum_text(step.stage), state_.steps);
  ctx_.progress().phase(fmt::format("{}: {}", step.product, enum_text(step.stage)), 0);
  alliance::Draft draft = alliance::draft(step, {{"depends-on", step.drill}}, crypto::sha256(as_bytes(key)));
  draft.issued_ms = ctx_.clock().now_ms();
  HZ_TRY(member().append(draft));
  drill::fold(state_, step, draft.issued_ms);
  return {};
}
// The product stays where it is; that is no error of the command.
Result<bool> ProductDrill::refuse(std::string why, std::vector<std::string> refused) {
  // Where the traffic is decides what can be done next, so a failed way back leaves the step as it is.
  const bool keep = drill::has_way_back(state_);
  HZ_TRY(say(
      {.stage = keep ? state_.stage : drill::Stage::refused, .refused = std::move(refused), .detail = std::move(why)}));
  return true;
}
Result<bool> ProductDrill::refuse_or_fail(const Error& error, bool way_back) {
  const std::string_view slug = error.reason->slug;
  if (slug.starts_with("sql.") || slug.starts_with("log.") || slug == "base.write") return std::unexpected(error);
  return refuse(way_back ? "the way back is closed: " + error.text() : error.text(), std::move(last_refused_));
}
void ProductDrill::tell(const std::string& what) {
  const auto turn = live_.turn();
  ctx_.progress().phase(fmt::format("{}: {}", id_, what), 0);
}

Result<bool> ProductDrill::have_answers() {
  if (!answers_) {
    const auto turn = live_.turn();
    answers_ = HZ_TRY(KnownAnswers::find(member(), id_, live_.options_.products));
  }
  if (!answers_) return false;
  HZ_TRY(answers_->load());
  return true;
}

// ---- servers

Result<std::unique_ptr<pool::SiteAdapter>> site_adapter(api::Ctx& ctx, const std::string& site) {
  return pool::open_site(pool::site_world(ctx), HZ_TRY(pool::site_config(ctx.home, site)));
}

pool::ServerJob ProductDrill::job(const std::string& claim, const std::string& site, const std::string& backend,
                                  const std::string& evidence, bool denied) {
  return {.claim = claim,
          .site = site,
          .product = id_,
          .backend = backend,
          .model_sha256 = answers_->product().model_sha256,
          .model_path = answers_->model_path().string(),
          .limits = {},
          // Of the machine, as keepers are: the command's own clock may stand still.
          .deadline_ms = system_clock().now_ms() + live_.options_.ready_ms_max,
          .evidence = evidence,
          .denied = denied && live_.drill_.block ? denied_of(*live_.drill_.block) : pool::Denied{}};
}

// Ready, with the model it was asked to serve. Errors: pool.*; node.not_ready, and then last_refused_ says what it ran
// into.
Result<pool::Observed> ProductDrill::start(const std::string& claim, const std::string& site,
                                           const std::string& backend, const std::string& evidence, bool denied) {
  const auto place = HZ_TRY(site_adapter(ctx_, site));
  const std::int64_t begun = system_clock().now_ms();
  last_refused_.clear();
  pool::Observed seen = HZ_TRY(place->submit(job(claim, site, backend, evidence, denied)));
  tell(fmt::format("starting {} at {}", backend, site));
  while (seen.state != pool::JobState::ready) {
    for (; last_refused_.size() < seen.refused.size();)
      last_refused_.push_back(seen.refused[last_refused_.size()].text());
    if (pool::is_over(seen.state))
      return fail(why("node.not_ready"), "{}{}: {}", claim, last_refused_.empty() ? "" : ": " + last_refused_.front(),
                  seen.detail);
    if (system_clock().now_ms() - begun > live_.options_.ready_ms_max)
      return fail(why("node.not_ready"), "{}: {} after {} ms", claim, enum_text(seen.state),
                  live_.options_.ready_ms_max);
    std::this_thread::sleep_for(std::chrono::milliseconds(poll_ms));
    seen = HZ_TRY(place->observe(claim));
  }
  return seen;
}

// As the serving folder says; nothing when it does not serve.
std::optional<pool::Observed> ProductDrill::served(const std::string& claim) const {
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

// ---- routes

Result<std::optional<pool::GateTable::Routed>> ProductDrill::route_now() {
  const auto turn = live_.turn();
  const auto table = HZ_TRY(pool::read_gate_table(*HZ_TRY(member().views()), member().id()));
  const auto found = table.routes.find(id_);
  if (found == table.routes.end()) return std::optional<pool::GateTable::Routed>();
  return std::optional(found->second);
}
// The route that this drill found.
std::optional<pool::Route> ProductDrill::route_before() {
  if (state_.route_before.empty()) return std::nullopt;
  const auto turn = live_.turn();
  auto s = member().find(state_.route_before);
  if (!s || !member().open(*s)) return std::nullopt;
  auto route = from_json<pool::Route>(s->body, "$");
  return route ? std::optional(*std::move(route)) : std::nullopt;
}
std::string ProductDrill::reason_of(const std::string& what) const {
  return fmt::format("drill {}: {}", live_.drill_.id.substr(0, 12), what);
}
Result<std::string> ProductDrill::set_route(std::vector<pool::Target> targets, const std::string& what,
                                            const std::vector<std::string>& evidence) {
  const auto turn = live_.turn();
  const auto now = HZ_TRY(route_now());
  pool::Route route{id_, std::move(targets), evidence, reason_of(what)};
  if (now) route.deadline_ms = now->route.deadline_ms;
  if (now && to_json(now->route) == to_json(route)) return now->statement;
  return HZ_TRY(member().append(alliance::draft(route))).id;
}
std::vector<std::string> ProductDrill::evidence() const {
  return plan_.choice && !plan_.choice->evidence.empty() ? std::vector{plan_.choice->evidence}
                                                         : std::vector<std::string>();
}
QualityTerms ProductDrill::terms() const {
  const auto known = std::ranges::find(live_.products_, plan_.product, &drill::Product::id);
  return {plan_.choice ? plan_.choice->quality_milli + plan_.choice->drop_milli : 0,
          known == live_.products_.end() ? 0 : known->quality_drop_max_milli};
}

}  // namespace hz::node
