// One product in one drill: its states and the actions between them. live_drill.h says in which order and why.
#pragma once
#include "drill/plan.h"
#include "node/known_answers.h"
#include "node/live_drill.h"
#include "pool/gate_table.h"
#include "pool/site_adapter.h"

namespace hz::node {

// "d", the drill's first digits, the product, and the side: fixed, so that asking again finds the same server.
std::string claim_of(const drill::KnownDrill& drill, std::string_view product, std::string_view side);
// Errors: pool.site_config, base.json_*.
Result<std::unique_ptr<pool::SiteAdapter>> site_adapter(api::Ctx& ctx, const std::string& site);

class ProductDrill {
 public:
  ProductDrill(LiveDrill& live, const drill::ProductPlan& plan, drill::ProductState& state)
      : live_(live), plan_(plan), id_("product:" + plan.product), state_(state), ctx_(*live.ctx_) {}

  // True when a step was made. A `refused` outcome is a step; errors are of this machine.
  Result<bool> apply();
  Result<bool> verify(std::int64_t cases);
  Result<bool> fail_back();
  Result<std::optional<LiveDrill::Look>> look(std::int64_t cases);
  Result<bool> roll_back(const std::string& cause);
  QualityTerms terms() const;

  // The claim of the substitute: of the attempt under way, else of the next one, since a server that was ended is not
  // started again. `state` may be null.
  static std::string substitute_claim(const drill::KnownDrill& drill, std::string_view product,
                                      const drill::ProductState* state);
  // What was said when everything before it goes well, without what is measured.
  std::vector<std::pair<std::string_view, json::Value>> would_say();

 private:
  struct Incumbent {
    pool::Route route;
    KnownAnswers::Seen seen;
  };
  alliance::Member& member() { return **ctx_.member(); }

  Result<void> say(drill::DrillStep step);
  Result<bool> refuse(std::string why, std::vector<std::string> refused = {});
  Result<bool> refuse_or_fail(const Error& error, bool way_back = false);
  void tell(const std::string& what);
  Result<bool> have_answers();  // false: model or golden set are not here

  // product_switch.cc: the way there and back
  Result<bool> move();
  Result<void> make_it_real();
  Result<void> canary(const pool::Target& there, const pool::Observed& server);
  Result<void> switch_to(const pool::Target& there);
  Result<Incumbent> incumbent();
  Result<void> return_to(const Incumbent& back, drill::Stage stage, const std::string& cause);
  LiveDrill::Look look_now(std::int64_t cases);
  KnownAnswers::Seen beside(const std::vector<pool::Target>& targets, std::int64_t cases, std::uint64_t seed);

  // product_block.cc: what the loss really breaks
  Result<void> show_break();
  Result<void> end_lost();
  Result<bool> keep_or_break();
  std::vector<std::string> ran_into(const std::string& claim, const std::string& site);

  // product_table.cc: on the table
  Result<bool> apply_on_table();
  Result<bool> verify_on_table();
  Result<bool> fail_back_on_table();

  // servers and routes
  pool::ServerJob job(const std::string& claim, const std::string& site, const std::string& backend,
                      const std::string& evidence, bool denied);
  Result<pool::Observed> start(const std::string& claim, const std::string& site, const std::string& backend,
                               const std::string& evidence, bool denied);
  std::optional<pool::Observed> served(const std::string& claim) const;
  Result<std::optional<pool::GateTable::Routed>> route_now();
  std::optional<pool::Route> route_before();
  std::string reason_of(const std::string& what) const;
  Result<std::string> set_route(std::vector<pool::Target> targets, const std::string& what,
                                const std::vector<std::string>& evidence);
  std::vector<std::string> evidence() const;

  LiveDrill& live_;
  const drill::ProductPlan& plan_;
  const std::string id_;
  drill::ProductState& state_;
  api::Ctx& ctx_;
  std::optional<KnownAnswers> answers_;
  std::vector<std::string> last_refused_;  // what the server started last ran into
};

}  // namespace hz::node
