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
//   holds, broken: the plan says that the loss does not touch it, and what was denied for real says so too, or not
//
// A table-top drill walks through the same states: people say what they would do, and nothing is started or moved.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "base/fields.h"
#include "drill/answers.h"
#include "drill/block.h"
#include "drill/watched.h"
#include "sql/db.h"
#include "statement/kind.h"

namespace hz::drill {

// Traffic moves in a live drill; on the table the same steps are said and nothing moves.
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
  failed_back,
  holds,
  broken
};
constexpr auto enum_names(Stage) {
  return std::array<EnumName<Stage>, 12>{{{Stage::waiting, "waiting"},
                                          {Stage::prepared, "prepared"},
                                          {Stage::proved, "proved"},
                                          {Stage::canary, "canary"},
                                          {Stage::switched, "switched"},
                                          {Stage::verified, "verified"},
                                          {Stage::refused, "refused"},
                                          {Stage::unsaved, "unsaved"},
                                          {Stage::rolled_back, "rolled back"},
                                          {Stage::failed_back, "failed back"},
                                          {Stage::holds, "holds"},
                                          {Stage::broken, "broken"}}};
}

struct DrillStep {
  static constexpr std::string_view kind = "drill.step";
  std::string drill = {};    // statement id of drill.opened, hex
  std::string product = {};  // product:<id>
  Stage stage = Stage::waiting;
  std::string claim = {}, site = {}, backend = {};
  Answers answers = {};                       // of the substitute
  Answers incumbent = {};                     // of what served before: the same cases, or on the way back the whole set
  std::string route = {}, route_before = {};  // statement ids of pool.route
  std::vector<std::string> refused = {};      // what a server asked for and is taken away, and which process
  std::string detail = {};
  static constexpr auto fields() {
    return rows(
        row("drill", &DrillStep::drill, "statement id of the drill, hex"),
        row("product", &DrillStep::product, "product id"), row("stage", &DrillStep::stage, "what was reached"),
        row("claim", &DrillStep::claim, "claim of the substitute's server", or_default),
        row("site", &DrillStep::site, "where it runs", or_default),
        row("backend", &DrillStep::backend, "on which engine", or_default),
        row("answers", &DrillStep::answers, "known answers looked at", or_default),
        row("incumbent", &DrillStep::incumbent,
            "of what served before: on the same cases, or the whole set on the way back", or_default),
        row("route", &DrillStep::route, "statement of the route that this step made", or_default),
        row("route_before", &DrillStep::route_before, "statement of the route before it", or_default),
        row("refused", &DrillStep::refused, "what servers asked for and is taken away, and which process asked"),
        row("detail", &DrillStep::detail, "a sentence", or_default));
  }
};

// Where a product stands in a drill, folded from its steps in the order of the log: the last step, what earlier ones
// said that it does not say again, and when.
struct ProductState : DrillStep {
  Answers proof = {};  // on the whole golden set, before a request went there
  std::int64_t opened_ms = 0, lost_ms = -1, switched_ms = -1, back_ms = -1;  // claimed times; -1: not reached
  std::int64_t steps = 0;
  std::optional<DrillWatched> watched = {};  // as said last by the node, of this attempt or of one before it
  static constexpr auto fields() {
    return std::tuple_cat(
        DrillStep::fields(),
        rows(row("proof", &ProductState::proof,
                 "the substitute's answers on the whole golden set, before traffic moved"),
             row("opened_ms", &ProductState::opened_ms, "when the drill began, ms since 1970"),
             row("lost_ms", &ProductState::lost_ms, "when what it rests on was taken away; -1: not yet"),
             row("switched_ms", &ProductState::switched_ms, "when its traffic went over; -1: it did not"),
             row("back_ms", &ProductState::back_ms, "when it came back; -1: it did not"),
             row("steps", &ProductState::steps, "steps in the log"),
             row("watched", &ProductState::watched, "what the node saw while traffic was at a substitute")));
  }
};

struct KnownDrill {
  std::string id;
  DrillOpened said;
  std::int64_t opened_ms = 0;
  std::vector<ProductState> products;  // by product
  std::optional<DrillBlock> block;     // in force
};

// Its traffic is at the substitute.
constexpr bool is_over_there(Stage stage) {
  return stage == Stage::canary || stage == Stage::switched || stage == Stage::verified;
}
// There is something to undo: its traffic is elsewhere, or its servers were ended because they rest on what is lost.
inline bool has_way_back(const ProductState& state) {
  return is_over_there(state.stage) ||
         ((state.stage == Stage::broken || state.stage == Stage::unsaved || state.stage == Stage::refused) &&
          !state.route_before.empty());
}

// One more step.
void fold(ProductState& state, const DrillStep& step, std::int64_t issued_ms);
// The newest word of the node's watch.
inline void fold(ProductState& state, const DrillWatched& said) { state.watched = said; }
// Why the watch said that this server must go back, and it has not so far; "" when it did not.
std::string must_go_back(const ProductState& state);
// The state of a product, made when there is none yet.
ProductState& state_of(KnownDrill& drill, const std::string& product);

// This member's drills, oldest first. Errors: sql.*.
Result<std::vector<KnownDrill>> known_drills(sql::Db& views);
// The one of them whose id begins with `id`, at least 6 hex digits; the newest when `id` is "". Errors: drill.no_drill.
Result<KnownDrill> pick_drill(std::vector<KnownDrill> all, std::string_view id);
// The same among all there are. Errors: also sql.*.
Result<KnownDrill> find_drill(sql::Db& views, std::string_view id);

}  // namespace hz::drill
