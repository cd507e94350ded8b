// What is gone when the targets of a drill are gone: the ownership closure.
//
// Losing an entity loses what it controls: every entity of which the lost ones together hold more than the control
// threshold, again and again until nothing more falls. Losing an entity loses every component attributed to it,
// installed copies included (the pessimistic reading; `assumptions` states it in every answer). docs/decisions/0041.
#pragma once
#include <set>
#include <span>
#include <string>
#include <vector>

#include "drill/stack.h"
#include "drill/target.h"

namespace hz::drill {

inline constexpr std::int64_t control_bp_default = 5000;

struct LostEntity {
  std::string entity;
  std::string because;    // "named in the drill", "100.00 % held by entity:x", "jurisdiction XX"
  std::string statement;  // evidence for that, or ""
};
struct LostNode {
  NodeId node;
  std::string because;  // "supplied by entity:x", "named in the drill", "at a site under jurisdiction XX"
  std::string entity;   // the lost entity, or ""
};

struct Loss {
  std::vector<Target> targets;
  std::int64_t control_bp = control_bp_default;
  std::vector<LostEntity> entities;  // by id
  std::vector<LostNode> nodes;       // by node
  std::vector<std::string> notes;    // e.g. a target that supplies no known component

  const LostEntity* entity(std::string_view id) const;
  const LostNode* node(NodeId n) const;
  std::vector<NodeId> node_ids() const;
};

// All entities controlled by the seeds, seeds included, each with its reason. O(holdings x depth).
std::vector<LostEntity> control_closure(std::span<const Holding> holdings, const std::vector<LostEntity>& seeds,
                                        std::int64_t control_bp);

// Errors: drill.no_target, drill.control_bp, drill.unknown_target (with the nearest names).
Result<Loss> resolve_loss(const Stack& stack, std::span<const Target> targets, std::int64_t control_bp);

// Printed with every answer.
std::vector<std::string> assumptions(const Loss& loss);

}  // namespace hz::drill
