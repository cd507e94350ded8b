#pragma once
#include <span>

#include "api/op.h"

namespace hz::share {

std::span<const api::Op> ops();

}  // namespace hz::share
