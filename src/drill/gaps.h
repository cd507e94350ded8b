// What is missing for products that nothing proven covers: operators to port, skills to teach.
#pragma once
#include <string>
#include <vector>

#include "drill/plan.h"

namespace hz::drill {

struct MissingOp {
  std::string op, status, detail, statement;  // status FAILED or UNTESTED
};

// The model's operators that a backend fails or was never tested on, in the model's order of operators.
std::vector<MissingOp> missing_ops(const World& world, const std::string& model, const std::string& backend);

// Fills rd and training of a plan whose products are decided. `surviving` are the backends that outlive the loss.
void add_gaps(const World& world, const std::vector<std::string>& surviving, Plan& plan);

}  // namespace hz::drill
