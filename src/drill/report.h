// The report: one self-contained HTML file (docs/formats/report.md).
#pragma once
#include <string>

#include "alliance/member.h"
#include "drill/exit_plan.h"
#include "drill/live.h"
#include "drill/rehearsal.h"

namespace hz::drill {

struct ReportInput {
  Impact impact;
  Plan plan;
  alliance::Frontier frontier;
  std::string member;                 // who computed it
  std::int64_t now_ms = 0;            // the clock, so that equal inputs give equal bytes
  std::vector<KnownDrill> live = {};  // drills of this very loss in which traffic moved, oldest first
  std::optional<ExitPlan> exit = {};  // of the drill that is reported
};

// Pure. All text of members is escaped; no script, no outside resource.
std::string report_html(const Rehearsal& drill, const ReportInput& input);

}  // namespace hz::drill
