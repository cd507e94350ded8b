#include "drill/propagate.h"

#include <algorithm>
#include <bit>

namespace hz::drill {

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
    : graph_(graph), state_(graph.size(), 0), dirty_(graph.size() / 64 + 1, 0) {
  sweep(0);
  before_ = state_;
  circle_reasons_before_ = circle_reasons_;
}

std::size_t Propagation::size_bytes() const {
  return state_.capacity() + before_.capacity() + 8 * dirty_.capacity() + 32 * circle_reasons_.size();
}

void Propagation::mark_consumers(NodeId n) {
  for (const NodeId consumer : graph_.consumers(n)) mark(consumer);
  touched_edges_ += graph_.consumers(n).size();
}

// One node outside any circle, all its inputs being settled. No branch depends on a single input.
void Propagation::settle(NodeId n) {
  if (state_[n] == lost_itself) return;
  const std::span<const NodeId> inputs = graph_.inputs(n);
  std::uint32_t dead = 0;
  std::uint8_t worst = 0;
  for (const NodeId input : inputs) {
    const std::uint8_t s = state_[input];
    dead += s >> 7;
    worst = std::max(worst, s);
  }
  if (inputs.size() - dead < graph_.need(n))
    state_[n] = graph_.need(n) > inputs.size() ? impossible : one_step_on(worst);
  else
    state_[n] = worst != 0 ? degraded : 0;
}

NodeId Propagation::reason(NodeId n) const {
  if (state_[n] == lost_itself || graph_.need(n) > graph_.inputs(n).size()) return n;
  if (!stopped(state_[n])) return no_node;
  if (const auto found = circle_reasons_.find(n); found != circle_reasons_.end()) return found->second;
  NodeId nearest = no_node;
  for (const NodeId input : graph_.inputs(n))
    if (stopped(state_[input]) && (nearest == no_node || state_[input] > state_[nearest])) nearest = input;
  return nearest;
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
    if (state_[n] == lost_itself) barred[u] = true;
    if (state_[n] != lost_itself) state_[n] = unexplained;
    std::uint32_t in_unit = 0, alive = 0;
    for (const NodeId input : graph_.inputs(n)) {
      if (inside(input)) {
        if (graph_.needs_all(n) && unit[input - block.first] == unit[n - block.first]) ++in_unit;
      } else if (!stopped(state_[input])) {
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
      if (state_[input] != 0) state_[n] = degraded;
    if (state_[n] != 0) worse.push_back(n);
  }
  while (!worse.empty()) {
    const NodeId n = worse.back();
    worse.pop_back();
    for (const NodeId consumer : graph_.consumers(n))
      if (inside(consumer) && state_[consumer] == 0) {
        state_[consumer] = degraded;
        worse.push_back(consumer);
      }
  }

  // Reasons: breadth-first from lost members, unmeetable ones and failed inputs outside, so that no chain runs in a
  // circle.
  std::vector<NodeId> open;
  for (NodeId n = block.first; n < end; ++n) {
    if (!stopped(state_[n])) continue;
    NodeId why = no_node;
    if (state_[n] == lost_itself) {
      why = n;
    } else if (graph_.need(n) > graph_.inputs(n).size()) {
      why = n;
      state_[n] = impossible;
    } else {
      for (const NodeId input : graph_.inputs(n))
        if (!inside(input) && stopped(state_[input]) && (why == no_node || state_[input] > state_[why])) why = input;
      if (why != no_node) state_[n] = one_step_on(state_[why]);
    }
    circle_reasons_[n] = why;
    if (why != no_node) open.push_back(n);
  }
  for (std::size_t i = 0; i < open.size(); ++i)
    for (const NodeId consumer : graph_.consumers(open[i]))
      if (inside(consumer) && stopped(state_[consumer]) && circle_reasons_[consumer] == no_node) {
        circle_reasons_[consumer] = open[i];
        state_[consumer] = one_step_on(state_[open[i]]);
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
  circle_reasons_ = circle_reasons_before_;
  for (const NodeId n : lost) {
    state_[n] = lost_itself;
    mark(n);
  }
  const std::uint64_t enough = graph_.edges() / 256;
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
  for (NodeId why = reason(n); why != no_node && why != n; why = reason(n)) out.push_back(n = why);
  return out;
}

}  // namespace hz::drill
