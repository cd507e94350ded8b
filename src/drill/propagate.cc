#include "drill/propagate.h"

#include <algorithm>
#include <bit>

namespace hz::drill {
namespace {

constexpr std::uint32_t unexplained = 0xffffffffu;  // depth of a stopped node that no lost node explains

}  // namespace

std::string_view life_text(Life life) {
  switch (life) {
    case Life::running:
      return "running";
    case Life::degraded:
      return "degraded";
    case Life::stopped:
      return "stopped";
  }
  return "?";
}

Propagation::Propagation(const Graph& graph)
    : graph_(graph),
      state_(graph.size(), 0),
      reason_(graph.size(), no_node),
      depth_(graph.size(), unexplained),
      dirty_(graph.size() / 64 + 1, 0) {
  sweep(0);
  before_ = state_;
  for (NodeId n = 0; n < graph_.size(); ++n)
    if ((before_[n] & stopped_bit) != 0) stopped_before_.push_back({n, reason_[n], depth_[n]});
}

std::size_t Propagation::size_bytes() const {
  return state_.capacity() + before_.capacity() + 4 * (reason_.capacity() + depth_.capacity()) + 8 * dirty_.capacity();
}

void Propagation::mark_consumers(NodeId n) {
  for (const NodeId consumer : graph_.consumers(n)) mark(consumer);
  touched_edges_ += graph_.consumers(n).size();
}

// Picks the failed input nearest to a loss as the reason of a stopped node. A requirement that asks for more inputs
// than it has is its own reason.
void Propagation::explain(NodeId n) {
  if (graph_.need(n) > graph_.inputs(n).size()) {
    reason_[n] = n;
    depth_[n] = 0;
    return;
  }
  reason_[n] = no_node;
  std::uint32_t nearest = unexplained;
  for (const NodeId input : graph_.inputs(n))
    if ((state_[input] & stopped_bit) != 0 && (reason_[n] == no_node || depth_[input] < nearest)) {
      nearest = depth_[input];
      reason_[n] = input;
    }
  depth_[n] = nearest == unexplained ? unexplained : nearest + 1;
}

// One node outside any circle, all its inputs being settled.
void Propagation::settle(NodeId n) {
  if ((state_[n] & lost_bit) != 0) {
    reason_[n] = n;
    depth_[n] = 0;
    return;
  }
  const std::span<const NodeId> inputs = graph_.inputs(n);
  std::uint32_t stopped = 0;
  std::uint8_t seen = 0;
  for (const NodeId input : inputs) {
    const std::uint8_t s = state_[input];
    stopped += (s >> 1) & 1u;
    seen |= s;
  }
  if (inputs.size() - stopped < graph_.need(n)) {
    state_[n] = stopped_bit;
    explain(n);
  } else {
    state_[n] = seen != 0 ? degraded_bit : 0;
  }
}

// A circle: everybody starts stopped, and a unit comes alive once what it needs outside itself lives (least fixpoint).
// Linear in the edges of the block.
void Propagation::settle_block(const Block& block) {
  const NodeId end = block.first + block.count;
  const auto inside = [&](NodeId n) { return n >= block.first && n < end; };
  std::vector<NodeId> unit(block.count);
  std::vector<std::uint32_t> missing(block.count, 0);  // per unit: living inputs it still waits for
  std::vector<bool> barred(block.count, false);        // per unit: a member is lost, or can never have enough
  std::vector<std::vector<NodeId>> members(block.count);
  for (NodeId n = block.first; n < end; ++n) {
    const NodeId u = unit[n - block.first] = graph_.unit(n);
    members[u - block.first].push_back(n);
  }
  for (NodeId n = block.first; n < end; ++n) {
    const NodeId u = unit[n - block.first] - block.first;
    if ((state_[n] & lost_bit) != 0) barred[u] = true;
    state_[n] = static_cast<std::uint8_t>((state_[n] & lost_bit) | stopped_bit);
    std::uint32_t in_unit = 0, alive = 0;
    for (const NodeId input : graph_.inputs(n)) {
      if (inside(input)) {
        if (graph_.needs_all(n) && unit[input - block.first] == unit[n - block.first]) ++in_unit;
      } else if ((state_[input] & stopped_bit) == 0) {
        ++alive;
      }
    }
    const std::uint32_t wanted = graph_.need(n) - in_unit;
    missing[u] += wanted > alive ? wanted - alive : 0;
  }
  std::vector<NodeId> ready;
  for (std::uint32_t u = 0; u < block.count; ++u)
    if (!members[u].empty() && missing[u] == 0 && !barred[u]) ready.push_back(u);
  while (!ready.empty()) {
    const NodeId u = ready.back();
    ready.pop_back();
    for (const NodeId n : members[u]) {
      state_[n] = 0;
      for (const NodeId consumer : graph_.consumers(n)) {
        if (!inside(consumer)) continue;
        const NodeId other = unit[consumer - block.first] - block.first;
        if (other == u && graph_.needs_all(consumer)) continue;
        if (missing[other] > 0 && --missing[other] == 0 && !barred[other]) ready.push_back(other);
      }
    }
  }

  // Redundancy: degraded spreads inside the circle until nothing changes.
  std::vector<NodeId> worse;
  for (NodeId n = block.first; n < end; ++n) {
    if (state_[n] != 0) continue;
    for (const NodeId input : graph_.inputs(n))
      if (state_[input] != 0) state_[n] = degraded_bit;
    if (state_[n] != 0) worse.push_back(n);
  }
  while (!worse.empty()) {
    const NodeId n = worse.back();
    worse.pop_back();
    for (const NodeId consumer : graph_.consumers(n))
      if (inside(consumer) && state_[consumer] == 0) {
        state_[consumer] = degraded_bit;
        worse.push_back(consumer);
      }
  }

  // Reasons: breadth-first from the lost members and from failed inputs outside, so that no chain runs in a circle.
  for (NodeId n = block.first; n < end; ++n) {
    reason_[n] = no_node;
    depth_[n] = unexplained;
  }
  std::vector<NodeId> open;
  for (NodeId n = block.first; n < end; ++n) {
    if ((state_[n] & stopped_bit) == 0) continue;
    if ((state_[n] & lost_bit) != 0) {
      reason_[n] = n;
      depth_[n] = 0;
    } else {
      for (const NodeId input : graph_.inputs(n))
        if (!inside(input) && (state_[input] & stopped_bit) != 0 &&
            (reason_[n] == no_node || depth_[input] < depth_[n])) {
          reason_[n] = input;
          depth_[n] = depth_[input];
        }
      if (depth_[n] != unexplained) ++depth_[n];
    }
    if (reason_[n] != no_node) open.push_back(n);
  }
  for (std::size_t i = 0; i < open.size(); ++i)
    for (const NodeId consumer : graph_.consumers(open[i]))
      if (inside(consumer) && (state_[consumer] & stopped_bit) != 0 && reason_[consumer] == no_node) {
        reason_[consumer] = open[i];
        depth_[consumer] = depth_[open[i]] + 1;
        open.push_back(consumer);
      }
}

// Settles every node from `from` on, in order. `from` is no inner member of a circle.
void Propagation::sweep(NodeId from) {
  auto block = std::lower_bound(graph_.blocks().begin(), graph_.blocks().end(), from,
                                [](const Block& b, NodeId n) { return b.first < n; });
  NodeId n = from;
  while (n < graph_.size()) {
    const NodeId stop = block == graph_.blocks().end() ? graph_.size() : block->first;
    for (; n < stop; ++n) settle(n);
    if (block != graph_.blocks().end()) {
      settle_block(*block);
      n += block->count;
      ++block;
    }
  }
}

void Propagation::lose(std::span<const NodeId> lost) {
  std::copy(before_.begin(), before_.end(), state_.begin());
  std::fill(dirty_.begin(), dirty_.end(), 0);
  touched_edges_ = 0;
  for (const Cause& c : stopped_before_) {
    reason_[c.node] = c.reason;
    depth_[c.node] = c.depth;
  }
  for (const NodeId n : lost) {
    state_[n] = lost_bit | stopped_bit;
    mark(n);
  }
  const std::uint64_t enough = graph_.edges() / 16;
  auto block = graph_.blocks().begin();
  const auto blocks_end = graph_.blocks().end();
  for (std::size_t word = 0; word < dirty_.size(); ++word) {
    while (dirty_[word] != 0) {
      const auto n = static_cast<NodeId>(word * 64 + static_cast<std::size_t>(std::countr_zero(dirty_[word])));
      dirty_[word] &= dirty_[word] - 1;
      while (block != blocks_end && block->first + block->count <= n) ++block;
      const bool in_block = block != blocks_end && block->first <= n;
      if (touched_edges_ > enough) return sweep(in_block ? block->first : n);
      if (in_block) {
        settle_block(*block);
        for (NodeId m = block->first; m < block->first + block->count; ++m) {
          touched_edges_ += graph_.inputs(m).size();
          if (state_[m] != before_[m]) mark_consumers(m);
        }
        // Members are settled together: forget marks on them, which now point backwards or at this very block.
        for (NodeId m = block->first; m < block->first + block->count; ++m)
          dirty_[m / 64] &= ~(std::uint64_t{1} << (m % 64));
        continue;
      }
      touched_edges_ += graph_.inputs(n).size();
      settle(n);
      if (state_[n] != before_[n]) mark_consumers(n);
    }
  }
}

std::vector<NodeId> Propagation::chain(NodeId n) const {
  std::vector<NodeId> out{n};
  while (reason_[n] != no_node && reason_[n] != n) out.push_back(n = reason_[n]);
  return out;
}

}  // namespace hz::drill
