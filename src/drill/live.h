// A live drill as statements: what was taken away, and every step by which a product went to its substitute and back.
//
// The state of a drill is nowhere but in the log. So a node that dies between two steps goes on where the last
// statement stands: whoever runs the command again reads the steps, looks at what is true (what serves, where the route
// points), and does the next one. The simpler idea, a file with the state, is one more thing that can be lost or
// disagree.
//
//   waiting -> prepared -> proved -> canary -> switched -> verified -> failed_back
//                 \          \         \          \-----------\-> rolled_back
//                  \----------\---------\-> refused (why; the product stays where it was)
//   unsaved: the plan has nothing proven for it
#pragma once
#include <span>
#include <string>
#include <vector>

#include "base/fields.h"
#include "sql/db.h"
#include "statement/kind.h"

namespace hz::drill {

// Traffic moves in a live drill; a table-top drill records its plan only.
enum class Mode : std::uint8_t { table_top, live };
constexpr auto enum_names(Mode) {
  return std::array<EnumName<Mode>, 2>{{{Mode::table_top, "table-top"}, {Mode::live, "live"}}};
}

struct DrillOpened {
  static constexpr std::string_view kind = "drill.opened";
  std::vector<std::string> targets;
  std::int64_t control_bp = 0;
  Mode mode = Mode::table_top;
  std::string frontier;
  static constexpr auto fields() {
    return rows(row("targets", &DrillOpened::targets, "what is taken away"),
                row("control_bp", &DrillOpened::control_bp, "holders of more than this control"),
                row("mode", &DrillOpened::mode, "table-top or live"),
                row("frontier", &DrillOpened::frontier, "digest of the log heads it starts from"));
  }
};

enum class Stage : std::uint8_t {
  waiting,
  prepared,
  proved,
  canary,
  switched,
  verified,
  refused,
  unsaved,
  rolled_back,
  failed_back
};
constexpr auto enum_names(Stage) {
  return std::array<EnumName<Stage>, 10>{{{Stage::waiting, "waiting"},
                                          {Stage::prepared, "prepared"},
                                          {Stage::proved, "proved"},
                                          {Stage::canary, "canary"},
                                          {Stage::switched, "switched"},
                                          {Stage::verified, "verified"},
                                          {Stage::refused, "refused"},
                                          {Stage::unsaved, "unsaved"},
                                          {Stage::rolled_back, "rolled back"},
                                          {Stage::failed_back, "failed back"}}};
}

struct DrillStep {
  static constexpr std::string_view kind = "drill.step";
  std::string drill = {};    // statement id of drill.opened, hex
  std::string product = {};  // product:<id>
  Stage stage = Stage::waiting;
  std::string claim = {}, site = {}, backend = {};
  std::string verdict = {};  // of the answers looked at in this step
  std::int64_t cases = 0, quality_milli = 0, agreement_milli = 0;
  std::string route = {}, route_before = {};  // statement ids of pool.route
  std::string detail = {};
  static constexpr auto fields() {
    return rows(
        row("drill", &DrillStep::drill, "statement id of the drill, hex"),
        row("product", &DrillStep::product, "product id"), row("stage", &DrillStep::stage, "what was reached"),
        row("claim", &DrillStep::claim, "claim of the substitute's server", or_default),
        row("site", &DrillStep::site, "where it runs", or_default),
        row("backend", &DrillStep::backend, "on which engine", or_default),
        row("verdict", &DrillStep::verdict, "of the answers looked at", or_default),
        row("cases", &DrillStep::cases, "golden cases looked at", or_default),
        row("quality_milli", &DrillStep::quality_milli, "labels met, of 1000", or_default),
        row("agreement_milli", &DrillStep::agreement_milli, "first class as the reference's, of 1000", or_default),
        row("route", &DrillStep::route, "statement of the route that this step made", or_default),
        row("route_before", &DrillStep::route_before, "statement of the route before it", or_default),
        row("detail", &DrillStep::detail, "a sentence", or_default));
  }
};

// Where a product stands in a drill, folded from its steps in the order of the log.
struct ProductState {
  std::string product;
  Stage stage = Stage::waiting;
  std::string claim, site, backend, verdict, detail;
  std::int64_t cases = 0, quality_milli = 0, agreement_milli = 0;
  std::string route, route_before;
  std::int64_t opened_ms = 0, switched_ms = -1, back_ms = -1;  // claimed times; -1: not reached
  std::int64_t steps = 0;
  static constexpr auto fields() {
    return rows(row("product", &ProductState::product, "product id"),
                row("stage", &ProductState::stage, "what was reached last"),
                row("claim", &ProductState::claim, "claim of the substitute's server"),
                row("site", &ProductState::site, "where it runs"),
                row("backend", &ProductState::backend, "on which engine"),
                row("verdict", &ProductState::verdict, "of the answers looked at last"),
                row("detail", &ProductState::detail, "a sentence"),
                row("cases", &ProductState::cases, "golden cases looked at last"),
                row("quality_milli", &ProductState::quality_milli, "labels met, of 1000"),
                row("agreement_milli", &ProductState::agreement_milli, "first class as the reference's, of 1000"),
                row("route", &ProductState::route, "route now"),
                row("route_before", &ProductState::route_before, "route before the drill"),
                row("opened_ms", &ProductState::opened_ms, "when the drill began, ms since 1970"),
                row("switched_ms", &ProductState::switched_ms, "when its traffic went over; -1: it did not"),
                row("back_ms", &ProductState::back_ms, "when it came back; -1: it did not"),
                row("steps", &ProductState::steps, "steps in the log"));
  }
};

struct KnownDrill {
  std::string id;
  DrillOpened said;
  std::int64_t opened_ms = 0;
  std::vector<ProductState> products;  // by product
};

// Its traffic is at the substitute.
constexpr bool is_over_there(Stage stage) {
  return stage == Stage::canary || stage == Stage::switched || stage == Stage::verified;
}

// One more step.
void fold(ProductState& state, const DrillStep& step, std::int64_t issued_ms);

// This member's drills, oldest first. Errors: sql.*.
Result<std::vector<KnownDrill>> known_drills(sql::Db& views);
// The one whose id begins with `id`, at least 6 hex digits; the newest when `id` is "". Errors: drill.no_drill.
Result<KnownDrill> find_drill(sql::Db& views, std::string_view id);

}  // namespace hz::drill
