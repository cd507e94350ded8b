#pragma once
#include <span>

#include "api/op.h"

namespace hz::standards {

std::span<const api::Op> ops();

}  // namespace hz::standards
