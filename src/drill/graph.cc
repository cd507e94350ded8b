#include "drill/graph.h"

#include <algorithm>

#include "drill/reasons.h"

namespace hz::drill {
namespace {

// Lists of inputs by handle: a counting sort of the edges.
struct Adjacency {
  std::vector<std::uint32_t> begin, to;
};

Adjacency gather(std::uint32_t nodes, const std::vector<std::pair<std::uint32_t, std::uint32_t>>& edges) {
  Adjacency out;
  out.begin.assign(nodes + std::size_t{1}, 0);
  for (const auto& [node, input] : edges) ++out.begin[node + 1];
  for (std::uint32_t n = 0; n < nodes; ++n) out.begin[n + 1] += out.begin[n];
  out.to.resize(edges.size());
  std::vector<std::uint32_t> next(out.begin.begin(), out.begin.end() - 1);
  for (const auto& [node, input] : edges) out.to[next[node]++] = input;
  return out;
}

// Tarjan's strongly connected components without recursion. Components come out with inputs before consumers, which is
// the topological numbering; `component(members)` is called once per component in that order.
template <class Inputs, class Component>
void components(std::uint32_t nodes, const Inputs& inputs, const Component& component) {
  struct Frame {
    std::uint32_t node, next;
  };
  std::vector<std::uint32_t> index(nodes, 0), low(nodes, 0), stack;
  std::vector<bool> on_stack(nodes, false);
  std::vector<Frame> frames;
  std::uint32_t counter = 0;
  for (std::uint32_t root = 0; root < nodes; ++root) {
    if (index[root] != 0) continue;
    frames.push_back({root, 0});
    while (!frames.empty()) {
      Frame& frame = frames.back();
      const std::uint32_t n = frame.node;
      if (frame.next == 0) {
        index[n] = low[n] = ++counter;
        stack.push_back(n);
        on_stack[n] = true;
      }
      const std::span<const std::uint32_t> needs = inputs(n);
      bool deeper = false;
      while (frame.next < needs.size()) {
        const std::uint32_t m = needs[frame.next++];
        if (index[m] == 0) {
          frames.push_back({m, 0});
          deeper = true;
          break;
        }
        if (on_stack[m]) low[n] = std::min(low[n], index[m]);
      }
      if (deeper) continue;
      if (low[n] == index[n]) {
        const auto first = std::find(stack.rbegin(), stack.rend(), n).base() - 1;
        for (auto member = first; member != stack.end(); ++member) on_stack[*member] = false;
        component(std::span<const std::uint32_t>(first, stack.end()));
        stack.erase(first, stack.end());
      }
      frames.pop_back();
      if (!frames.empty()) low[frames.back().node] = std::min(low[frames.back().node], low[n]);
    }
  }
}

}  // namespace

NodeId Graph::unit(NodeId n) const {
  const auto found = std::lower_bound(units_.begin(), units_.end(), std::pair<NodeId, NodeId>{n, 0});
  return found != units_.end() && found->first == n ? found->second : n;
}

std::size_t Graph::size_bytes() const {
  const auto bytes = [](const auto& v) { return v.capacity() * sizeof(v[0]); };
  return bytes(input_begin_) + bytes(consumer_begin_) + bytes(need_) + bytes(inputs_) + bytes(consumers_) +
         bytes(node_) + bytes(handle_) + bytes(blocks_) + bytes(units_) + bytes(self_needs_);
}

Result<Graph> GraphBuilder::build() && {
  if (need_.size() >= no_node || edges_.size() >= no_node)
    return fail(why("drill.graph_size"), "{} nodes, {} edges", need_.size(), edges_.size());
  const auto nodes = static_cast<std::uint32_t>(need_.size());
  Graph g;

  // Drop self-needs and repeats.
  for (const auto& [node, input] : edges_)
    if (node == input) g.self_needs_.push_back(node);
  std::erase_if(edges_, [](const auto& e) { return e.first == e.second; });
  std::sort(g.self_needs_.begin(), g.self_needs_.end());
  g.self_needs_.erase(std::unique(g.self_needs_.begin(), g.self_needs_.end()), g.self_needs_.end());
  Adjacency by_handle = gather(nodes, edges_);
  edges_ = {};
  {
    std::uint32_t write = 0;
    for (std::uint32_t n = 0; n < nodes; ++n) {
      const auto first = by_handle.to.begin() + by_handle.begin[n],
                 last = by_handle.to.begin() + by_handle.begin[n + 1];
      std::sort(first, last);
      const auto end = std::unique(first, last);
      by_handle.begin[n] = write;
      for (auto it = first; it != end; ++it) by_handle.to[write++] = *it;
    }
    by_handle.begin[nodes] = write;
    by_handle.to.resize(write);
  }
  const auto inputs_of = [&](std::uint32_t n) {
    return std::span<const std::uint32_t>(by_handle.to.data() + by_handle.begin[n],
                                          by_handle.begin[n + 1] - by_handle.begin[n]);
  };

  // Number: inputs before consumers, circles side by side.
  g.node_.resize(nodes);
  g.handle_.reserve(nodes);
  components(nodes, inputs_of, [&](std::span<const std::uint32_t> members) {
    if (members.size() > 1)
      g.blocks_.push_back({static_cast<NodeId>(g.handle_.size()), static_cast<std::uint32_t>(members.size())});
    for (const std::uint32_t member : members) {
      g.node_[member] = static_cast<NodeId>(g.handle_.size());
      g.handle_.push_back(member);
    }
  });

  g.need_.resize(nodes);
  g.input_begin_.reserve(nodes + std::size_t{1});
  g.input_begin_.push_back(0);
  g.inputs_.reserve(by_handle.to.size());
  for (NodeId n = 0; n < nodes; ++n) {
    const auto needs = inputs_of(g.handle_[n]);
    const auto degree = static_cast<std::uint32_t>(needs.size());
    for (const std::uint32_t input : needs) g.inputs_.push_back(g.node_[input]);
    std::sort(g.inputs_.end() - degree, g.inputs_.end());
    g.input_begin_.push_back(static_cast<std::uint32_t>(g.inputs_.size()));
    const std::uint32_t asked = need_[g.handle_[n]];
    g.need_[n] = asked == need_all || degree == 0 ? degree : asked;
  }
  by_handle = {};

  g.consumer_begin_.assign(nodes + std::size_t{1}, 0);
  for (const NodeId input : g.inputs_) ++g.consumer_begin_[input + 1];
  for (NodeId n = 0; n < nodes; ++n) g.consumer_begin_[n + 1] += g.consumer_begin_[n];
  g.consumers_.resize(g.inputs_.size());
  {
    std::vector<std::uint32_t> next(g.consumer_begin_.begin(), g.consumer_begin_.end() - 1);
    for (NodeId n = 0; n < nodes; ++n)
      for (const NodeId input : g.inputs(n)) g.consumers_[next[input]++] = n;
  }

  // Units: components of a block over the edges of ALL nodes only.
  for (const Block& block : g.blocks_) {
    std::vector<std::vector<std::uint32_t>> hard(block.count);
    for (std::uint32_t i = 0; i < block.count; ++i) {
      if (!g.needs_all(block.first + i)) continue;
      for (const NodeId input : g.inputs(block.first + i))
        if (input >= block.first && input < block.first + block.count) hard[i].push_back(input - block.first);
    }
    std::vector<NodeId> unit(block.count);
    components(
        block.count, [&](std::uint32_t i) { return std::span<const std::uint32_t>(hard[i]); },
        [&](std::span<const std::uint32_t> members) {
          const std::uint32_t first = *std::min_element(members.begin(), members.end());
          for (const std::uint32_t member : members) unit[member] = block.first + first;
        });
    for (std::uint32_t i = 0; i < block.count; ++i) g.units_.emplace_back(block.first + i, unit[i]);
  }
  return g;
}

std::vector<NodeId> cone_of(const Graph& graph, NodeId root) {
  std::vector<NodeId> cone{root};
  std::vector<bool> seen(graph.size(), false);
  seen[root] = true;
  for (std::size_t i = 0; i < cone.size(); ++i)
    for (const NodeId input : graph.inputs(cone[i]))
      if (!seen[input]) {
        seen[input] = true;
        cone.push_back(input);
      }
  std::sort(cone.begin(), cone.end());
  return cone;
}

}  // namespace hz::drill
