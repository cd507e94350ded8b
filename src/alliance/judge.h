// The judgement from the bytes of the logs alone, without what the views remember: what `ballot recount` runs.
#pragma once
#include "alliance/fold.h"

namespace hz::alliance {

// Reads the acts in all logs that are here, checks every signature and folds them. Cost: a pass over all leaves, and
// 55 us per act. Errors: sql.*, log.*.
Result<Judgement> judge_anew(Member& member);

}  // namespace hz::alliance
