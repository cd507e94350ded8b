// Pure decisions about needs.
#pragma once
#include "talent/kinds.h"

namespace hz::talent {

// What may be signed. Errors: talent.id, talent.range.
Result<void> check(const Need& need);

}  // namespace hz::talent
