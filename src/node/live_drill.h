// The hands of a live drill: start the substitute, look at its answers, move the traffic, move it back.
//
// Every step is a statement (drill/live.h) and every action is harmless when repeated, so the command may be cut off
// anywhere and typed again: claims have fixed names, a route that points there already is not said twice, and a step
// that is in the log is not done again.
//
// Order matters. The substitute serves and has passed the product's whole golden set on that very server before a
// request goes there; a part of the traffic goes first, while the incumbent still serves, and known answers are asked
// of the substitute; then all of it. The way back is the same with the sides changed.
#pragma once
#include <functional>

#include "api/op.h"
#include "drill/live.h"
#include "drill/plan.h"
#include "drill/world.h"

namespace hz::node {

struct LiveOptions {
  std::string products;                // folder with models and golden sets; "" = the own blob store alone
  std::int64_t ready_ms_max = 60'000;  // a substitute's start
  std::int64_t canary_cases = 200;     // golden cases asked in the canary step
  std::int64_t canary_weight_percent = 10;
  std::int64_t drain_ms = 1'500;  // from the change of a route until a server that it no longer names is ended
  bool end_lost = false;          // after the switch, end the servers that run on what is lost, as if it were gone
};

// What apply would do, without doing it: one line per product, and the statements that would be signed.
struct LiveLine {
  std::string product, outcome, backend, site, claim, evidence, gap;
  static constexpr auto fields() {
    return rows(row("product", &LiveLine::product, "product id"),
                row("outcome", &LiveLine::outcome, "kept, substituted, late or unsaved"),
                row("backend", &LiveLine::backend, "substitute"), row("site", &LiveLine::site, "where it will run"),
                row("claim", &LiveLine::claim, "claim of its server"),
                row("evidence", &LiveLine::evidence, "statement that shows it gives the product's answers"),
                row("gap", &LiveLine::gap, "why nothing covers it"));
  }
};

class ProductDrill;

class LiveDrill {
 public:
  // The plan is made over the sites that this machine can really start servers at (sites.json). Errors: drill.*, sql.*.
  static Result<LiveDrill> of(api::Ctx& ctx, drill::KnownDrill drill, LiveOptions options);

  const drill::KnownDrill& drill() const { return drill_; }
  std::vector<LiveLine> lines() const;

  // Each goes over every product, appends the steps, and goes on with the next product when one is refused. Errors: of
  // this machine and its own log only. False when nothing was there to do.
  Result<bool> apply();
  // Known answers are asked where the traffic goes now; a product whose quality fell below its tolerance is rolled
  // back.
  Result<bool> verify(std::int64_t cases);
  Result<bool> fail_back();

 private:
  LiveDrill(api::Ctx& ctx, drill::KnownDrill drill, LiveOptions options)
      : ctx_(&ctx), drill_(std::move(drill)), options_(std::move(options)) {}
  api::Ctx* ctx_;
  drill::KnownDrill drill_;
  LiveOptions options_;
  drill::Plan plan_;
  std::vector<drill::Product> products_;
  std::vector<std::pair<std::string, std::string>> ending_;  // claims and their sites
  friend class ProductDrill;
  void end_later(const std::string& claim, const std::string& site);
  Result<void> end_now();
  Result<bool> each(const std::function<Result<bool>(ProductDrill&)>& act);
};

}  // namespace hz::node
