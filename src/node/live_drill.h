// The hands of a drill: start the substitute, look at its answers, move the traffic, move it back.
//
// Every step is a statement (drill/live.h) and every action is harmless when repeated, so the command may be cut off
// anywhere and typed again: claims have fixed names, a route that points there already is not said twice, and a step
// that is in the log is not done again.
//
// Order matters. The substitute serves and has passed the product's whole golden set on that very server before a
// request goes there; a part of the traffic goes first, while the incumbent still serves, and known answers are asked
// of both; then all of it. The way back is the same with the sides changed.
//
// Products go side by side, a thread each: what takes long is the start of a server and its answers. Whatever touches
// the member (views, log, progress) takes its turn.
#pragma once
#include <functional>
#include <mutex>

#include "api/op.h"
#include "drill/live.h"
#include "drill/plan.h"
#include "drill/rehearsal.h"
#include "drill/world.h"
#include "node/known_answers.h"

namespace hz::node {

struct LiveOptions {
  std::string products;                // folder with models and golden sets; "" = the own blob store alone
  std::int64_t ready_ms_max = 60'000;  // a substitute's start
  std::int64_t canary_cases = 200;     // golden cases asked in the canary step
  std::int64_t canary_weight_percent = 10;
  std::int64_t drain_ms = 1'500;  // from the change of a route until a server that it no longer names is ended
  bool end_lost = false;          // after the switch, end the servers that run on what is lost, as if it were gone
  bool deny_list = false;         // and take it away for real: no server of this drill can open or reach it
};

// What a drill of this mode is planned over: a live one over the sites that this machine can really start servers at.
// Errors: sql.*, pool.site_config.
Result<drill::World> world_of(api::Ctx& ctx, drill::Mode mode);

// What apply would do, without doing it: one line per product.
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
// And the statements that would be signed, in order, as far as they are known before the substitute answers.
struct WouldSay {
  std::string kind, body;
  static constexpr auto fields() {
    return rows(row("kind", &WouldSay::kind, "kind of the statement"),
                row("body", &WouldSay::body, "its body, JSON; what is measured on the way is left out"));
  }
};

// One who moves drills of this folder: a command, or the node's watch. Ends with the process, however it ends.
class DrillTurn {
 public:
  // Waits so long for the one before. Errors: drill.under_way, base.write.
  static Result<DrillTurn> take(const fs::path& home, std::int64_t wait_ms_max);

 private:
  explicit DrillTurn(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

class ProductDrill;

class LiveDrill {
 public:
  // The plan of a live drill is made over the sites that this machine can really start servers at (sites.json).
  // Errors: drill.*, sql.*.
  static Result<LiveDrill> of(api::Ctx& ctx, drill::KnownDrill drill, LiveOptions options);
  LiveDrill(LiveDrill&&) noexcept = default;

  const drill::KnownDrill& drill() const { return drill_; }
  std::vector<LiveLine> lines() const;
  Result<std::vector<WouldSay>> would_say();

  // Each goes over every product, appends the steps, and goes on with the others when one is refused. Errors: of this
  // machine and its own log only; drill.block_late. False when nothing was there to do.
  Result<bool> apply();
  // Known answers are asked where the traffic goes now; a product whose quality fell below its tolerance is rolled
  // back.
  Result<bool> verify(std::int64_t cases);
  Result<bool> fail_back();

  // For one product whose traffic is at its substitute. Nullopt: it is not, or its golden set is not here.
  struct Look {
    drill::Answers answers, incumbent;
    std::string bad;  // as in wrong_with
  };
  // Known answers, and nothing is said; `cases` 0: all.
  Result<std::optional<Look>> look(const std::string& product, std::int64_t cases);
  // Back to what served before, because of `cause`. A step says it, or why that cannot be; the same is not said twice.
  // False: nothing was moved.
  Result<bool> roll_back(const std::string& product, const std::string& cause);
  // Ends the server of a product that went back and whose end was cut off.
  Result<void> end_left(const std::string& product);
  QualityTerms terms(const std::string& product);

 private:
  friend class ProductDrill;
  template <class Act>
  auto on(const std::string& product, const Act& act) -> decltype(act(std::declval<ProductDrill&>()));
  LiveDrill(api::Ctx& ctx, drill::KnownDrill drill, LiveOptions options)
      : ctx_(&ctx), drill_(std::move(drill)), options_(std::move(options)), turn_(new std::recursive_mutex) {}

  // The member, the log and the progress are one product's at a time.
  std::unique_lock<std::recursive_mutex> turn() const { return std::unique_lock(*turn_); }
  bool on_table() const { return drill_.said.mode == drill::Mode::table_top; }
  Result<void> say_block();
  Result<void> say_lost();
  void end_later(const std::string& claim, const std::string& site);
  Result<void> end_now();
  Result<bool> each(const std::function<Result<bool>(ProductDrill&)>& act);

  api::Ctx* ctx_;
  drill::KnownDrill drill_;
  LiveOptions options_;
  std::unique_ptr<std::recursive_mutex> turn_;
  std::unique_ptr<drill::Rehearsal> rehearsal_;
  drill::Plan plan_;
  std::vector<drill::Product> products_;
  std::vector<std::pair<std::string, std::string>> ending_;  // claims and their sites
};

}  // namespace hz::node
