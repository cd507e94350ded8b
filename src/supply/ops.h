// The operations of this pillar: exposure scan, supply entities import, supply product list, supply show, supply
// unknown list.
#pragma once
#include <span>

#include "api/op.h"

namespace hz::supply {

std::span<const api::Op> ops();

}  // namespace hz::supply
