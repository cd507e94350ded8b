// The exit plan: what a drill showed, as one record that an auditor reads and checks offline.
//
// It is computed from the drill's own statements and signed by its digest (drill.report). Whoever checks it has the
// statements too, folds them again and compares: a figure that the steps do not bear out is found, whoever signed it.
// Times are those the member claims; the order is that of its log.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/fields.h"
#include "drill/impact.h"
#include "drill/item.h"
#include "drill/live.h"
#include "drill/plan.h"

namespace hz::drill {

struct DrillReport {
  static constexpr std::string_view kind = "drill.report";
  std::string drill;
  std::string plan_sha256, html_sha256;  // of the exit plan as JSON, and of the report for people
  std::int64_t saved = 0, not_saved = 0;
  static constexpr auto fields() {
    return rows(row("drill", &DrillReport::drill, "statement id of the drill, hex"),
                row("plan_sha256", &DrillReport::plan_sha256, "SHA-256 of the exit plan (JSON), hex"),
                row("html_sha256", &DrillReport::html_sha256, "SHA-256 of the report for people, hex"),
                row("saved", &DrillReport::saved, "products that stop and were served by a proven substitute"),
                row("not_saved", &DrillReport::not_saved, "products that stop and were not"));
  }
};

struct ExitProduct {
  std::string product, name, outcome;
  Stage stage = Stage::waiting;
  std::string incumbent, substitute, site, evidence;
  std::string model_sha256;  // what served before and what served after: the same bytes
  std::int64_t quality_before_milli = 0, quality_drop_max_milli = 0;
  Answers proof, answers, beside;
  std::int64_t lost_ms = -1, serving_ms = -1, back_ms = -1;
  std::int64_t recover_ms = -1, outage_max_ms = 0;  // the recovery time reached, and the one tolerated
  bool within = false;
  std::string route_before, route;
  std::vector<std::string> refused;
  std::string gap;
  std::optional<DrillWatched> watched = {};
  static constexpr auto fields() {
    return rows(row("product", &ExitProduct::product, "product id"), row("name", &ExitProduct::name, "its name"),
                row("outcome", &ExitProduct::outcome, "of the plan: kept, substituted, late or unsaved"),
                row("stage", &ExitProduct::stage, "what the drill reached"),
                row("incumbent", &ExitProduct::incumbent, "what served it before"),
                row("substitute", &ExitProduct::substitute, "what served it then"),
                row("site", &ExitProduct::site, "where"),
                row("evidence", &ExitProduct::evidence, "statement that the substitute gives its answers"),
                row("model_sha256", &ExitProduct::model_sha256, "the model before and after: no version is lost"),
                row("quality_before_milli", &ExitProduct::quality_before_milli, "labels met before, of 1000"),
                row("quality_drop_max_milli", &ExitProduct::quality_drop_max_milli, "how much may be lost"),
                row("answers", &ExitProduct::answers, "of the substitute, looked at last"),
                row("beside", &ExitProduct::beside, "the same cases on the incumbent, where it still served"),
                row("lost_ms", &ExitProduct::lost_ms, "when it was lost, ms since 1970; -1: it was not"),
                row("serving_ms", &ExitProduct::serving_ms, "when the substitute had its traffic; -1: never"),
                row("back_ms", &ExitProduct::back_ms, "when the incumbent had it back; -1: it has not"),
                row("recover_ms", &ExitProduct::recover_ms, "from lost to serving; -1: it did not recover"),
                row("outage_max_ms", &ExitProduct::outage_max_ms, "longest tolerable outage"),
                row("within", &ExitProduct::within, "it recovered in time, or nothing was lost"),
                row("route_before", &ExitProduct::route_before, "statement of the route before"),
                row("route", &ExitProduct::route, "statement of the last route of the drill"),
                row("refused", &ExitProduct::refused, "what servers asked for and was taken away"),
                row("gap", &ExitProduct::gap, "why nothing covers it"),
                row("watched", &ExitProduct::watched, "what the node saw while it served: requests executed again"));
  }
};

struct ExitDuty {
  std::string who, what, until;
  static constexpr auto fields() {
    return rows(row("who", &ExitDuty::who, "owner"), row("what", &ExitDuty::what, "what is to be done"),
                row("until", &ExitDuty::until, "day, or empty"));
  }
};

struct ExitPlan {
  std::string drill, member;
  Mode mode = Mode::table_top;
  std::vector<std::string> targets;
  std::int64_t control_bp = 0, opened_ms = 0, made_ms = 0;
  std::string frontier;  // of the heads that impact and plan rest on
  std::int64_t lost_entities = 0, lost_components = 0, saved = 0, not_saved = 0;
  std::vector<ExitProduct> products;
  std::optional<DrillBlock> block;
  std::vector<KnownItem> items;
  std::vector<ExitDuty> duties;
  std::vector<std::string> assumptions;
  static constexpr auto fields() {
    return rows(row("drill", &ExitPlan::drill, "statement id of the drill, hex"),
                row("member", &ExitPlan::member, "whose drill"), row("mode", &ExitPlan::mode, "table-top or live"),
                row("targets", &ExitPlan::targets, "what was taken away"),
                row("control_bp", &ExitPlan::control_bp, "holders of more than this control"),
                row("opened_ms", &ExitPlan::opened_ms, "when the drill began, ms since 1970"),
                row("made_ms", &ExitPlan::made_ms, "when this was made"),
                row("frontier", &ExitPlan::frontier, "digest of the log heads that impact and plan rest on"),
                row("lost_entities", &ExitPlan::lost_entities, "entities lost, controlled ones included"),
                row("lost_components", &ExitPlan::lost_components, "components lost directly"),
                row("saved", &ExitPlan::saved, "products that stop and were served by a proven substitute"),
                row("not_saved", &ExitPlan::not_saved, "products that stop and were not"),
                row("products", &ExitPlan::products, "every product"),
                row("block", &ExitPlan::block, "what was taken away for real"),
                row("items", &ExitPlan::items, "research and training opened by this drill"),
                row("duties", &ExitPlan::duties, "who must do what"),
                row("assumptions", &ExitPlan::assumptions, "taken for granted"));
  }
};

struct ExitInput {
  const KnownDrill& drill;
  const Impact& impact;
  const Plan& plan;
  const std::vector<Product>& products;  // of the world
  const std::vector<KnownItem>& items;   // of this drill
  std::string member;
  std::int64_t now_ms = 0;
  std::optional<DrillBlock> block = {};  // that was in force in this drill, also when it is lifted by now
};
// Pure.
ExitPlan exit_plan(const ExitInput& in);

// The file's bytes.
std::string exit_plan_text(const ExitPlan& plan);
// Safe on any bytes. Errors: base.json_*, base.too_large (4 MiB).
Result<ExitPlan> read_exit_plan(std::string_view text);

// What a plan says that the statements of its drill do not bear out, a sentence each; none when all of it holds.
// `folded` is the drill folded from its statements, `items` those that were opened for it.
std::vector<std::string> contradictions(const ExitPlan& plan, const KnownDrill& folded,
                                        const std::vector<KnownItem>& items);

}  // namespace hz::drill
