// One drill on one set of views: the world read, the graph built, the targets resolved, the loss propagated.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "drill/impact.h"
#include "drill/plan.h"

namespace hz::drill {

class Rehearsal {
 public:
  // Errors: drill.target, drill.unknown_target, drill.no_target, drill.control_bp, drill.row, sql.*.
  static Result<std::unique_ptr<Rehearsal>> of(World world, const std::vector<std::string>& lose,
                                               std::int64_t control_bp);
  static Result<std::unique_ptr<Rehearsal>> of(sql::Db& views, const std::vector<std::string>& lose,
                                               std::int64_t control_bp);
  Rehearsal(const Rehearsal&) = delete;
  Rehearsal& operator=(const Rehearsal&) = delete;

  Result<Impact> impact(const ImpactOptions& options = {}) { return assess(stack_, loss_, *lives_, options); }
  Result<Plan> plan(const ImpactOptions& options = {}) const { return make_plan(stack_, loss_, *lives_, options); }

  const World& world() const { return world_; }
  const Stack& stack() const { return stack_; }
  const Loss& loss() const { return loss_; }
  const Propagation& lives() const { return *lives_; }

 private:
  explicit Rehearsal(World world) : world_(std::move(world)) {}

  World world_;
  Stack stack_;
  Loss loss_;
  std::optional<Propagation> lives_;
};

}  // namespace hz::drill
