// Requirements: ALL / ANY / k-of-n formulas over component references, and their lowering to graph nodes.
#pragma once
#include <memory>

#include "supply/facts.h"
#include "supply/toml_tree.h"

namespace hz::supply {

struct Requirement {
  enum class Op : std::uint8_t { leaf, all, any, k_of_n };
  Op op = Op::leaf;
  std::int64_t k = 0;              // for k_of_n
  std::string component;           // for a leaf: "model", or "<namespace>:<name>"
  std::vector<Requirement> parts;  // for the others, at least one
  int line = 0;
};

// At most 256 references and 16 levels. Errors: supply.requirement, supply.component, supply.limit, each with the line.
Result<Requirement> parse_requirement(const Toml& node);

// The product node carries the top operator, each nested formula becomes `gate:<product>/<path>` where the path is made
// of positions ("2.1": second part of the top, first part of that). "model" becomes `model_node`. Duplicate needs are
// kept apart in a gate, because "2 of (a, a, b)" counts them twice.
Facts lower_requirement(std::string_view product, const Requirement& top, std::string_view model_node);

// A reference is `model` or a component id of a namespace we know with a name that fits it. Errors: supply.component.
Result<void> check_reference(std::string_view reference, int line);

}  // namespace hz::supply
