// What stops when nodes are lost, and why.
//
// One walk over the ids in ascending order, which is inputs-first. A bitmap marks the nodes to look at: the lost ones,
// then the consumers of every node whose life changed. So a small loss touches its cone plus one bit per node. When
// more than 1/16 of the edges were touched, the bitmap is dropped and the rest is swept: reading everything in order is
// then cheaper.
//
// Simpler idea that failed: a priority queue of nodes to revisit. Same answer, 15-28 ns per touched edge instead of
// 1-2.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "drill/graph.h"

namespace hz::drill {

// Ordered from good to bad. Degraded: alive, and some input it has is not fully alive, so redundancy is gone.
enum class Life : std::uint8_t { running, degraded, stopped };
std::string_view life_text(Life life);

class Propagation {
 public:
  // Computes the life of every node with nothing lost. O(nodes + edges). The graph must outlive this.
  explicit Propagation(const Graph& graph);

  // The life of every node when exactly these nodes are lost (earlier calls are forgotten). Worst case O(nodes +
  // edges).
  void lose(std::span<const NodeId> lost);

  Life life(NodeId n) const { return as_life(state_[n]); }
  Life life_before(NodeId n) const { return as_life(before_[n]); }
  bool lost(NodeId n) const { return (state_[n] & lost_bit) != 0; }
  // Why a stopped node stopped: itself when it is lost or cannot be met; else the failed input that is nearest to a
  // lost node; no_node when no input explains it (alternatives that support only each other).
  NodeId reason(NodeId n) const { return reason_[n]; }
  // n, reason(n), ... down to a lost node or to a node that nothing explains. Never repeats a node.
  std::vector<NodeId> chain(NodeId n) const;

  std::uint64_t touched_edges() const { return touched_edges_; }  // by the last lose()
  std::size_t size_bytes() const;                                 // memory beside the graph

 private:
  static constexpr std::uint8_t degraded_bit = 1, stopped_bit = 2, lost_bit = 4;
  static Life as_life(std::uint8_t s) {
    return (s & stopped_bit) != 0 ? Life::stopped : s != 0 ? Life::degraded : Life::running;
  }
  void settle(NodeId n);
  void settle_block(const Block& block);
  void explain(NodeId n);
  void sweep(NodeId from);
  void mark(NodeId n) { dirty_[n / 64] |= std::uint64_t{1} << (n % 64); }
  void mark_consumers(NodeId n);

  const Graph& graph_;
  std::vector<std::uint8_t> state_, before_;
  std::vector<NodeId> reason_;
  std::vector<std::uint32_t> depth_;  // steps from a lost node along reasons; meaningful for stopped nodes
  struct Cause {
    NodeId node, reason;
    std::uint32_t depth;
  };
  std::vector<Cause> stopped_before_;  // stopped with nothing lost
  std::vector<std::uint64_t> dirty_;
  std::uint64_t touched_edges_ = 0;
};

}  // namespace hz::drill
