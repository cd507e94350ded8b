#include "drill/rehearsal.h"

namespace hz::drill {

Result<std::unique_ptr<Rehearsal>> Rehearsal::of(World world, const std::vector<std::string>& lose,
                                                 std::int64_t control_bp) {
  std::vector<Target> targets;
  for (const std::string& text : lose) targets.push_back(HZ_TRY(parse_target(text)));
  std::unique_ptr<Rehearsal> out(new Rehearsal(std::move(world)));
  out->stack_ = HZ_TRY(Stack::build(out->world_));
  out->loss_ = HZ_TRY(resolve_loss(out->stack_, targets, control_bp));
  out->lives_.emplace(out->stack_.graph());
  out->lives_->lose(out->loss_.node_ids());
  return out;
}

Result<std::unique_ptr<Rehearsal>> Rehearsal::of(sql::Db& views, const std::vector<std::string>& lose,
                                                 std::int64_t control_bp) {
  return of(HZ_TRY(load_world(views)), lose, control_bp);
}

}  // namespace hz::drill
