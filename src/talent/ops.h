#pragma once
#include <span>

#include "api/op.h"

namespace hz::talent {

std::span<const api::Op> ops();

}  // namespace hz::talent
