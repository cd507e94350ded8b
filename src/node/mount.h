// The composition root: which modules this program has. The order is the order of the source tree.
#pragma once
#include <span>
#include <vector>

#include "api/op.h"
#include "statement/kind.h"

namespace hz::node {

alliance::Mounted mounted();
const std::vector<const api::Op*>& ops();
const std::vector<const Reason*>& reasons();

}  // namespace hz::node
