#pragma once
#include <span>

#include "api/op.h"

namespace hz::pool {

std::span<const api::Op> ops();

}  // namespace hz::pool
