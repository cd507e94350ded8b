#include "drill/exit_plan.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "drill/rehearsal.h"
#include "drill/report.h"
#include "drill/test_world.h"

using namespace hz;
using namespace hz::drill;

namespace {

struct Told {
  World world = demo_world().finish();
  KnownDrill drill{.id = std::string(64, 'd'),
                   .said = {{"entity:hub"}, 5000, Mode::live, ""},
                   .opened_ms = 1'000,
                   .products = {},
                   .block = {}};
  std::vector<KnownItem> items;
  std::int64_t now_ms = 1'000;

  explicit Told(std::string target) {
    drill.said.targets = {std::move(target)};
    const Plan plan = this->plan();
    for (const ProductPlan& p : plan.products) {
      if (p.outcome == Outcome::kept) continue;
      step({.product = "product:" + p.product, .stage = Stage::waiting});
      if (!p.choice) {
        step({.product = "product:" + p.product, .stage = Stage::unsaved, .detail = p.gap});
        continue;
      }
      step({.product = "product:" + p.product,
            .stage = Stage::proved,
            .site = p.choice->site,
            .backend = p.choice->backend,
            .answers = {.verdict = "STRICT",
                        .logits = "equal",
                        .cases = 500,
                        .quality_milli = 970,
                        .agreement_milli = 1000,
                        .top5_milli = 1000}});
      step({.product = "product:" + p.product, .stage = Stage::switched, .route = std::string(64, 'a')});
    }
    std::size_t n = 0;
    for (DrillItem& item : items_of(plan)) {
      item.drill = drill.id;
      item.owner = "kernels";
      item.due = "2027-03-31";
      items.push_back({fmt::format("{:064x}", ++n), std::move(item), now_ms, {}, -1});
    }
  }
  void step(DrillStep one) {
    one.drill = drill.id;
    now_ms += 400;
    fold(state_of(drill, one.product), one, now_ms);
  }
  std::unique_ptr<Rehearsal> rehearsal() const {
    return Rehearsal::of(world, drill.said.targets, control_bp_default).value();
  }
  Plan plan() const { return rehearsal()->plan().value(); }
  ExitPlan exit() const {
    const auto r = rehearsal();
    return exit_plan({.drill = drill,
                      .impact = r->impact().value(),
                      .plan = r->plan().value(),
                      .products = world.products,
                      .items = items,
                      .member = "acme",
                      .now_ms = now_ms});
  }
};

}  // namespace

TEST_CASE("exit plan: a substitute that had to be taken back saved nothing") {
  Told told("backend:ort");
  const ExitPlan before = told.exit();
  REQUIRE(before.saved > 0);
  const auto served = std::ranges::find_if(
      before.products, [](const ExitProduct& p) { return p.outcome != "kept" && p.recover_ms >= 0; });
  told.step({.product = served->product, .stage = Stage::rolled_back, .detail = "it lies"});
  const ExitPlan after = told.exit();
  CHECK(after.saved == before.saved - 1);
  CHECK(after.not_saved == before.not_saved + 1);
  CHECK(std::ranges::any_of(after.duties, [&](const auto& duty) {
    return duty.what.find(served->product) != std::string::npos && duty.what.find("went back") != std::string::npos;
  }));
  // One that was failed back on purpose did.
  Told done("backend:ort");
  done.step({.product = served->product, .stage = Stage::failed_back});
  CHECK(done.exit().saved == before.saved);
}

TEST_CASE("exit plan: times run from the loss to the switch, and what did not recover is not saved") {
  const Told told("backend:ort");
  const ExitPlan plan = told.exit();
  std::int64_t saved = 0, left = 0;
  for (const ExitProduct& p : plan.products) {
    if (p.outcome == "kept") continue;
    CHECK(p.lost_ms > 0);
    if (p.recover_ms >= 0) {
      ++saved;
      CHECK(p.recover_ms == 800);
      CHECK(p.within);
      CHECK(p.answers.cases == 500);
    } else {
      ++left;
      CHECK_FALSE(p.within);
      CHECK_FALSE(p.gap.empty());
    }
  }
  CHECK(saved > 0);
  CHECK(plan.saved == saved);
  CHECK(plan.not_saved == left);
  // Whoever has an open item is named with what closes it; so is what nothing saves.
  CHECK(std::ssize(plan.duties) >= std::ssize(plan.items) + left);
}

TEST_CASE("exit plan: it reads back as it was written, and its statements bear it out") {
  const Told told("backend:ort");
  const ExitPlan plan = told.exit();
  const std::string text = exit_plan_text(plan);
  const auto again = read_exit_plan(text);
  REQUIRE(again);
  CHECK(exit_plan_text(*again) == text);
  CHECK(contradictions(*again, told.drill, told.items).empty());
  CHECK_FALSE(read_exit_plan(text.substr(0, text.size() / 2)));
}

TEST_CASE("exit plan: a figure, a product, an item or a loss that the steps do not say is found") {
  const Told told("backend:ort");
  const auto finds = [&](auto&& change) {
    ExitPlan plan = told.exit();
    change(plan);
    return !contradictions(plan, told.drill, told.items).empty();
  };
  CHECK(finds([](ExitPlan& p) {
    for (ExitProduct& one : p.products)
      if (one.recover_ms > 0) one.recover_ms = 1;
  }));
  CHECK(finds([](ExitPlan& p) {
    for (ExitProduct& one : p.products)
      if (!one.within) one.within = true;
  }));
  CHECK(finds([](ExitPlan& p) {
    for (ExitProduct& one : p.products) one.answers.quality_milli = 999;
  }));
  CHECK(finds([](ExitPlan& p) { ++p.saved; }));
  CHECK(finds([](ExitPlan& p) { p.targets = {"backend:other"}; }));
  CHECK(finds(
      [](ExitPlan& p) { std::erase_if(p.products, [](const ExitProduct& one) { return one.recover_ms >= 0; }); }));
  CHECK(finds([](ExitPlan& p) { p.drill = std::string(64, 'e'); }));
  CHECK(finds([](ExitPlan& p) { p.mode = Mode::table_top; }));
  if (!told.items.empty()) CHECK(finds([](ExitPlan& p) { p.items.front().said.owner = "nobody"; }));
}

TEST_CASE("drill: a product that comes back and is lost again has clocks of its own") {
  KnownDrill drill{.id = "d", .said = {}, .opened_ms = 0, .products = {}, .block = {}};
  ProductState& state = state_of(drill, "product:p");
  const auto say = [&](Stage stage, std::int64_t at_ms, std::string route_before = "") {
    fold(state,
         {.drill = "d", .product = "product:p", .stage = stage, .route_before = std::move(route_before), .detail = {}},
         at_ms);
  };
  say(Stage::waiting, 10);
  say(Stage::canary, 20, "first");
  say(Stage::switched, 30);
  CHECK(state.lost_ms == 10);
  CHECK(state.switched_ms == 30);
  say(Stage::failed_back, 90);
  CHECK(state.back_ms == 90);
  say(Stage::waiting, 100);
  CHECK(state.lost_ms == 100);
  CHECK(state.switched_ms == -1);
  CHECK(state.back_ms == -1);
  say(Stage::canary, 110, "second");
  CHECK(state.route_before == "first");
  CHECK(has_way_back(state));
  ProductState broken = state_of(drill, "product:q");
  broken.stage = Stage::broken;
  CHECK_FALSE(has_way_back(broken));  // nothing is known to go back to
  broken.route_before = "r";
  CHECK(has_way_back(broken));
}

TEST_CASE("drill: days are days of the calendar") {
  CHECK(is_day("2027-03-31"));
  CHECK(is_day("2028-02-29"));
  for (const char* wrong : {"", "2027-02-29", "2027-13-01", "2027-00-10", "27-03-31", "2027-3-31", "2027-03-31T",
                            "2027/03/31", "-001-01-01"})
    CHECK_FALSE(is_day(wrong));
}

TEST_CASE("report: an exit plan shows times, gaps with owners, and what was taken away") {
  Told told("backend:ort");
  for (ProductState& state : told.drill.products)
    state.refused = {"/usr/lib/<x>.so was refused to process 2 (oip-host)"};
  const auto r = told.rehearsal();
  ReportInput in;
  in.impact = r->impact().value();
  in.plan = r->plan().value();
  in.member = "acme";
  in.exit = told.exit();
  in.exit->block =
      DrillBlock{told.drill.id, false, {{"file:x.so", "named", "", "", {"/usr/lib/x.so"}}}, {"hub.example"}, {}};
  const std::string html = report_html(*r, in);
  for (const char* part : {"Exit plan: what the drill showed", "0.80 s", "Taken away for real", "hub.example",
                           "/usr/lib/&lt;x&gt;.so was refused to process 2", "Who must do what", "2027-03-31"})
    CHECK_MESSAGE(html.find(part) != std::string::npos, part);
  CHECK(html.find("<script") == std::string::npos);
}
