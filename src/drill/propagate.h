// What stops when nodes are lost, and why.
//
// One walk over the ids in ascending order, which is inputs-first. A bitmap marks the nodes to look at: the lost ones,
// then the consumers of every node whose life changed. So a small loss touches its cone plus one bit per node. When
// more than 1/256 of the edges were touched, the bitmap is dropped and the rest is swept: reading everything in order
// is then cheaper.
//
// Simpler idea that failed: a priority queue of nodes to revisit. Same answer, 15-28 ns per touched edge instead of
// 1-2.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
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
  bool lost(NodeId n) const { return state_[n] == lost_itself; }
  // Why a stopped node stopped: itself when it is lost or cannot be met; else the failed input that is nearest to a
  // lost node; no_node when no input explains it (alternatives that support only each other).
  NodeId reason(NodeId n) const;
  // n, reason(n), ... down to a lost node or to a node that nothing explains. Never repeats a node.
  std::vector<NodeId> chain(NodeId n) const;

  std::uint64_t touched_edges() const { return touched_edges_; }  // by the last lose()
  std::size_t size_bytes() const;                                 // memory beside the graph

 private:
  // One byte a node, so that what the walk gathers from stays in the cache, ordered so that a maximum over inputs says
  // everything: 0 running, 1 degraded, 128 stopped and unexplained, above that stopped, larger = fewer steps to a loss.
  static constexpr std::uint8_t degraded = 1, unexplained = 128, far = 129, impossible = 254, lost_itself = 255;
  static constexpr bool stopped(std::uint8_t state) { return state >= unexplained; }
  static constexpr std::uint8_t one_step_on(std::uint8_t state) {
    return state <= far ? state : static_cast<std::uint8_t>(state - 1);
  }
  static constexpr Life as_life(std::uint8_t state) {
    return stopped(state) ? Life::stopped : state != 0 ? Life::degraded : Life::running;
  }
  void settle(NodeId n);
  void settle_block(const Block& block);
  void sweep(NodeId from);
  void mark(NodeId n) { dirty_[n / 64] |= std::uint64_t{1} << (n % 64); }
  void mark_consumers(NodeId n);

  const Graph& graph_;
  std::vector<std::uint8_t> state_, before_;
  std::unordered_map<NodeId, NodeId> circle_reasons_before_,
      circle_reasons_;  // of stopped members of circles, where states alone could mislead
  std::vector<std::uint64_t> dirty_;
  std::uint64_t touched_edges_ = 0;
};

}  // namespace hz::drill
