// Least-cost continuity plan: per product the cheapest proven substitution, or what is missing for one.
//
// A substitution is a backend with conformance evidence on that very model (evidence.h), whose own supply chain
// survives the same loss, on a site that survives it too. Choice: first whether the switch fits the product's outage
// tolerance, then the upper price, the lower price, STRICT before BASIC_ONLY, the slower switch time, quality, and
// names. Every choice is checked by propagation on the graph with the substitution put in (Swap) before it is shown;
// one that does not revive its product is rejected with the reason.
//
// Products are planned one by one: sites have no stated capacity yet, so nothing couples them and the greedy choice is
// the optimum (plan_test.cc compares with trying everything). Capacity would make this a MILP: docs/decisions/0043.
#pragma once
#include <string>
#include <vector>

#include "base/fields.h"
#include "drill/impact.h"
#include "drill/loss.h"
#include "drill/propagate.h"

namespace hz::drill {

enum class Timing { within, may_exceed, exceeds };
constexpr auto enum_names(Timing) {
  return std::array<EnumName<Timing>, 3>{{{Timing::within, "within tolerance"},
                                          {Timing::may_exceed, "may exceed tolerance"},
                                          {Timing::exceeds, "exceeds tolerance"}}};
}

struct Option {
  std::string backend, site, site_name, verdict;
  std::int64_t quality_milli = 0, drop_milli = 0;
  std::int64_t price_fen_per_hour_min = 0, price_fen_per_hour_max = 0;
  std::int64_t switch_minutes_min = 0, switch_minutes_max = 0;
  Timing timing = Timing::within;
  std::int64_t unknown_components = 0;  // without a known entity, below the backend
  bool scanned = true;                  // false: no supply facts about the backend, so its survival is not shown
  std::string lift;                     // opset lift or other change the evidence was made with
  std::string evidence, site_statement;
  std::string evidence_member, site_member;  // logs of those who said so
  bool operator==(const Option&) const = default;
  static constexpr auto fields() {
    return rows(row("backend", &Option::backend, "substitute"), row("site", &Option::site, "where it runs"),
                row("site_name", &Option::site_name, "name of the site"),
                row("verdict", &Option::verdict, "STRICT or BASIC_ONLY"),
                row("quality_milli", &Option::quality_milli, "on the golden set, thousandths"),
                row("drop_milli", &Option::drop_milli, "quality lost against the incumbent, thousandths"),
                row("price_fen_per_hour_min", &Option::price_fen_per_hour_min, "declared, low"),
                row("price_fen_per_hour_max", &Option::price_fen_per_hour_max, "declared, high"),
                row("switch_minutes_min", &Option::switch_minutes_min, "declared, low"),
                row("switch_minutes_max", &Option::switch_minutes_max, "declared, high"),
                row("timing", &Option::timing, "switch time against the outage tolerance"),
                row("unknown_components", &Option::unknown_components, "components below it without a known entity"),
                row("scanned", &Option::scanned, "its supply chain is known"),
                row("lift", &Option::lift, "model change tried"),
                row("evidence", &Option::evidence, "statement of the result"),
                row("site_statement", &Option::site_statement, "statement of the offer"),
                row("evidence_member", &Option::evidence_member, "log of the member that tested it"),
                row("site_member", &Option::site_member, "log of the member whose site it is"));
  }
};

struct Rejection {
  std::string backend, why, statement;
  static constexpr auto fields() {
    return rows(row("backend", &Rejection::backend, "backend looked at"),
                row("why", &Rejection::why, "why it cannot serve"),
                row("statement", &Rejection::statement, "evidence, when there is some"));
  }
};

enum class Outcome { kept, substituted, late, unsaved };
constexpr auto enum_names(Outcome) {
  return std::array<EnumName<Outcome>, 4>{{{Outcome::kept, "kept"},
                                           {Outcome::substituted, "substituted"},
                                           {Outcome::late, "late"},
                                           {Outcome::unsaved, "unsaved"}}};
}

struct ProductPlan {
  std::string product, name;
  Outcome outcome = Outcome::kept;
  std::string incumbent;
  std::int64_t outage_max_s = 0;
  std::optional<Option> choice, second;
  std::string change;  // what would change the answer
  std::string gap;     // why nothing covers it; "" otherwise
  std::vector<Rejection> rejected;
  std::string release_licence, release_statement;  // the model's bytes are shared among members under this licence
  LossSets losses_after;                           // smallest losses that stop the product once the choice stands by
  static constexpr auto fields() {
    return rows(row("product", &ProductPlan::product, "product id"), row("name", &ProductPlan::name, "product name"),
                row("outcome", &ProductPlan::outcome, "kept, substituted, late (slower than tolerated) or unsaved"),
                row("incumbent", &ProductPlan::incumbent, "backend that serves it today"),
                row("outage_max_s", &ProductPlan::outage_max_s, "longest tolerable outage"),
                row("choice", &ProductPlan::choice, "cheapest proven substitution"),
                row("second", &ProductPlan::second, "second best"),
                row("change", &ProductPlan::change, "what would change the answer"),
                row("gap", &ProductPlan::gap, "why nothing covers it"),
                row("rejected", &ProductPlan::rejected, "backends looked at and why not"),
                row("release_licence", &ProductPlan::release_licence, "licence of the shared model bytes"),
                row("release_statement", &ProductPlan::release_statement, "statement that shares them"),
                row("losses_after", &ProductPlan::losses_after, "smallest losses with incumbent and choice in place"));
  }
};

// An operator to port, or a whole model to get right when its operators pass and it does not.
struct RdItem {
  std::string backend, op;  // op: "Softmax", "com.microsoft:Gelu" or "whole model"
  std::string status;       // FAILED or UNTESTED
  std::vector<std::string> products;
  std::string detail;  // worst witness or cases passed
  std::int64_t hours_min = 0, hours_max = 0;
  bool hours_known = false;
  std::string statement;
  static constexpr auto fields() {
    return rows(row("backend", &RdItem::backend, "where it is missing"), row("op", &RdItem::op, "operator"),
                row("status", &RdItem::status, "FAILED or UNTESTED"),
                row("products", &RdItem::products, "products that wait for it"),
                row("detail", &RdItem::detail, "witness"), row("hours_min", &RdItem::hours_min, "work, low"),
                row("hours_max", &RdItem::hours_max, "work, high"),
                row("hours_known", &RdItem::hours_known, "somebody declared the hours"),
                row("statement", &RdItem::statement, "evidence"));
  }
};

struct TrainingItem {
  std::string component, skill;
  std::int64_t people_min = 0;
  std::string reason, statement;
  static constexpr auto fields() {
    return rows(row("component", &TrainingItem::component, "what needs the skill"),
                row("skill", &TrainingItem::skill, "skill"),
                row("people_min", &TrainingItem::people_min, "people needed at least"),
                row("reason", &TrainingItem::reason, "to run a substitute, or to port"),
                row("statement", &TrainingItem::statement, "evidence"));
  }
};

struct Plan {
  std::vector<std::string> targets;
  std::vector<ProductPlan> products;
  std::int64_t kept = 0, substituted = 0, late = 0, unsaved = 0;
  std::int64_t unscanned = 0;  // substitutions whose own supply chain is not known here
  std::int64_t price_fen_per_hour_min = 0, price_fen_per_hour_max = 0;  // all substitutions together
  std::vector<RdItem> rd;                                               // most waited-for first
  std::vector<TrainingItem> training;
  std::vector<std::string> assumptions;
  std::string frontier;
  static constexpr auto fields() {
    return rows(
        row("targets", &Plan::targets, "what the drill takes away"), row("products", &Plan::products, "every product"),
        row("kept", &Plan::kept, "products that need no change"),
        row("substituted", &Plan::substituted, "products with a proven substitution in time"),
        row("late", &Plan::late, "proven, but slower than tolerated"),
        row("unsaved", &Plan::unsaved, "nothing proven exists"),
        row("unscanned", &Plan::unscanned, "substitutions whose own supply chain is not known here"),
        row("price_fen_per_hour_min", &Plan::price_fen_per_hour_min, "all substitutions, low"),
        row("price_fen_per_hour_max", &Plan::price_fen_per_hour_max, "all substitutions, high"),
        row("rd", &Plan::rd, "what to port, most waited-for first"), row("training", &Plan::training, "skills needed"),
        row("assumptions", &Plan::assumptions, "taken for granted"),
        row("frontier", &Plan::frontier, "digest of the log heads the plan rests on"));
  }
};

// `lives` has been told to lose loss.node_ids(). Errors: as assess().
Result<Plan> make_plan(const Stack& stack, const Loss& loss, const Propagation& lives, const ImpactOptions& options);

// The order in which options are preferred.
bool better(const Option& a, const Option& b);

}  // namespace hz::drill
