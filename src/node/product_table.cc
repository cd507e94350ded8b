// The same states on the table: what would be done is said step by step, by the evidence that there is, and nothing is
// started or moved.
#include "node/product_drill.h"

namespace hz::node {

using drill::Stage;

Result<bool> ProductDrill::apply_on_table() {
  if (plan_.outcome == drill::Outcome::kept || drill::is_over_there(state_.stage)) return false;
  if (!plan_.choice) {
    if (state_.stage == Stage::unsaved) return false;
    HZ_TRY(say({.stage = Stage::unsaved, .detail = plan_.gap}));
    return true;
  }
  const drill::Option& o = *plan_.choice;
  drill::DrillStep step{.site = o.site, .backend = o.backend, .detail = {}};
  if (state_.stage != Stage::prepared && state_.stage != Stage::proved) {
    step.stage = Stage::prepared;
    step.detail = fmt::format("on the table: {} at {}, declared to take {} to {} minutes", o.backend, o.site,
                              o.switch_minutes_min, o.switch_minutes_max);
    HZ_TRY(say(step));
  }
  if (state_.stage == Stage::prepared) {
    step.stage = Stage::proved;
    step.detail = fmt::format("on the table: {} by statement {}, quality {}.{} %", o.verdict, o.evidence.substr(0, 12),
                              o.quality_milli / 10, o.quality_milli % 10);
    HZ_TRY(say(step));
  }
  step.stage = Stage::switched;
  step.detail = "on the table: no request moved";
  HZ_TRY(say(step));
  return true;
}

// The plan made anew still says the same.
Result<bool> ProductDrill::verify_on_table() {
  if (!drill::is_over_there(state_.stage)) return false;
  const bool same = plan_.choice && plan_.choice->backend == state_.backend && plan_.choice->site == state_.site;
  if (same)
    HZ_TRY(say(
        {.stage = Stage::verified,
         .detail = fmt::format("on the table: statement {} still proves it", plan_.choice->evidence.substr(0, 12))}));
  else
    HZ_TRY(say({.stage = Stage::rolled_back,
                .detail = plan_.choice ? fmt::format("on the table: the plan now says {} at {}", plan_.choice->backend,
                                                     plan_.choice->site)
                                       : "on the table: nothing proven is left: " + plan_.gap}));
  return true;
}

Result<bool> ProductDrill::fail_back_on_table() {
  if (!drill::is_over_there(state_.stage)) return false;
  HZ_TRY(say({.stage = Stage::failed_back, .detail = "on the table: the incumbent has it back"}));
  return true;
}

}  // namespace hz::node
