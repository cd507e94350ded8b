// The requirement graph: what lives only while enough of what it needs lives.
//
// A node needs at least need(n) of its inputs: all of them (ALL), one (ANY), or k (k-of-n). The graph is immutable and
// flat: two arrays of edges (towards inputs, towards consumers) with offsets, and nodes renumbered so that inputs come
// before the consumers. A what-if is then one forward walk over contiguous memory (propagate.h), and needs no queue and
// no recursion.
//
// Simpler idea that failed: keep nodes as objects with vectors of pointers and search breadth-first from what is lost.
// It answers the same, at about 60-100 bytes an edge and a cache miss per touched edge (bench/what_if.cc keeps it as
// the peer).
//
// Cycles. Real requirements have them (libc6 and libgcc-s1 need each other). They are condensed into blocks, strongly
// connected sets that stand next to each other in the numbering. Inside a block, members that need each other through
// ALL edges only form a *unit*: installed together, they live or fall together. Everything else must be supported from
// outside the circle (least fixpoint): two backups that are each other's only source keep nobody alive.
// docs/decisions/0040.
#pragma once
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/result.h"

namespace hz::drill {

using NodeId = std::uint32_t;  // position in the topological numbering of one Graph
inline constexpr NodeId no_node = 0xffffffffu;
inline constexpr std::uint32_t need_all = 0xffffffffu;

// A strongly connected set of at least two nodes: ids first .. first + count - 1.
struct Block {
  NodeId first;
  std::uint32_t count;
};

class Graph {
 public:
  std::uint32_t size() const { return static_cast<std::uint32_t>(need_.size()); }
  std::uint64_t edges() const { return inputs_.size(); }

  // Ascending, without repeats.
  std::span<const NodeId> inputs(NodeId n) const {
    return {inputs_.data() + input_begin_[n], input_begin_[n + 1] - input_begin_[n]};
  }
  std::span<const NodeId> consumers(NodeId n) const {
    return {consumers_.data() + consumer_begin_[n], consumer_begin_[n + 1] - consumer_begin_[n]};
  }
  // Inputs that must live. 0 for a leaf; more than it has inputs when the requirement cannot be met.
  std::uint32_t need(NodeId n) const { return need_[n]; }
  bool needs_all(NodeId n) const { return need_[n] == input_begin_[n + 1] - input_begin_[n]; }

  // The builder's handle of a node and back.
  std::uint32_t handle(NodeId n) const { return handle_[n]; }
  NodeId node(std::uint32_t handle) const { return node_[handle]; }

  // Circles, ascending. Nodes of one block with the same unit() stand and fall together.
  std::span<const Block> blocks() const { return blocks_; }
  // Only for nodes inside a block: the first id of its unit.
  NodeId unit(NodeId n) const;
  // Handles of nodes that named themselves as input; the edge is dropped, for it can never help.
  std::span<const std::uint32_t> self_needs() const { return self_needs_; }

  // Memory of the arrays above.
  std::size_t size_bytes() const;

 private:
  friend class GraphBuilder;
  std::vector<std::uint32_t> input_begin_, consumer_begin_, need_;
  std::vector<NodeId> inputs_, consumers_, node_;
  std::vector<std::uint32_t> handle_;
  std::vector<Block> blocks_;
  std::vector<std::pair<NodeId, NodeId>> units_;  // (node, unit) for block members, ascending by node
  std::vector<std::uint32_t> self_needs_;
};

// The root and everything below it, ascending. O(nodes + edges of the cone).
std::vector<NodeId> cone_of(const Graph& graph, NodeId root);

// Collects nodes (handles 0 .. n-1) and edges, then numbers them. Linear in time; frees its lists while building.
class GraphBuilder {
 public:
  explicit GraphBuilder(std::uint32_t nodes) : need_(nodes, need_all) {}
  std::uint32_t add() {
    need_.push_back(need_all);
    return static_cast<std::uint32_t>(need_.size() - 1);
  }
  void need(std::uint32_t handle, std::uint32_t alive_inputs_min) { need_[handle] = alive_inputs_min; }
  void edge(std::uint32_t handle, std::uint32_t input) { edges_.emplace_back(handle, input); }
  void reserve_edges(std::size_t count) { edges_.reserve(count); }

  // Errors: drill.graph_size beyond 2^32-2 nodes or edges.
  Result<Graph> build() &&;

 private:
  std::vector<std::uint32_t> need_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> edges_;
};

}  // namespace hz::drill
