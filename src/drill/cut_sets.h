// Minimal cut sets: the smallest sets of events (losses) that stop a node.
//
// Bottom-up: the failure of a node is the union of its own events and of every way to lose so many inputs that too few
// are left. Unions and pairwise products of families of sets, absorbed (a superset of a cut set is none) at every step,
// and cut at an order (size) limit, which is exact for all sets up to that size because failure is monotone.
//
// Simpler idea that failed: top-down expansion (MOCUS) rewrites one list of half-expanded rows; the rows below an AND
// of ORs multiply before anything is absorbed, and shared parts are expanded once per row instead of once.
//
// This is the small engine: exact for the sizes a member's own products have. The function below is the seam for a
// large one (modules, BDD and ZBDD, orderings): docs/decisions/0042.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "drill/graph.h"

namespace hz::drill {

// Which events make a node fail by itself: losing an entity, a component. Event numbers are the caller's.
class Events {
 public:
  void add(NodeId node, std::uint32_t event) { pairs_.emplace_back(node, event); }
  void seal();  // call once after the last add
  std::span<const std::pair<NodeId, std::uint32_t>> of(NodeId node) const;

 private:
  std::vector<std::pair<NodeId, std::uint32_t>> pairs_;
};

struct CutSetOptions {
  std::uint32_t order_max = 0;         // largest set looked for; 0 = no limit
  std::uint64_t work_max = 5'000'000;  // pairs of sets combined or compared before the order limit is lowered
};

struct CutSets {
  std::vector<std::vector<std::uint32_t>> sets;  // by size, then lexicographic; events ascending
  bool exact = true;                             // these are all minimal cut sets
  std::uint32_t complete_to_order = 0;           // when not exact: all sets up to this size are here, and no larger one
  std::uint32_t events = 0;                      // distinct events below the root
};

// An empty set in `sets` means that the root is stopped with nothing lost. When the work limit is reached, the order
// limit is lowered until the answer fits, and `complete_to_order` says so. Errors: drill.cut_set_budget when not even
// order 1 fits.
Result<CutSets> cut_sets(const Graph& graph, const Events& events, NodeId root, const CutSetOptions& options);

}  // namespace hz::drill
