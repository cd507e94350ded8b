// Random requirement graphs and an obviously correct evaluation, for tests.
#pragma once
#include <algorithm>
#include <vector>

#include "base/seams.h"
#include "drill/graph.h"

namespace hz::drill {

struct RandomGraph {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> edges;
  std::vector<std::uint32_t> needs;
  Graph graph;

  // `circles` lets edges point both ways.
  RandomGraph(SeededRng& rng, std::uint32_t nodes, bool circles) {
    for (std::uint32_t n = 0; n < nodes; ++n) {
      const bool leaf = n == 0 || rng.below(3) == 0;
      std::uint32_t degree = leaf ? 0 : 1 + static_cast<std::uint32_t>(rng.below(4));
      std::vector<std::uint32_t> inputs;
      for (std::uint32_t i = 0; i < degree; ++i) {
        const auto input = static_cast<std::uint32_t>(rng.below(circles && rng.below(4) == 0 ? nodes : n));
        if (input != n) inputs.push_back(input);
      }
      std::sort(inputs.begin(), inputs.end());
      inputs.erase(std::unique(inputs.begin(), inputs.end()), inputs.end());
      for (const std::uint32_t input : inputs) edges.emplace_back(n, input);
      const std::uint64_t kind = rng.below(3);
      needs.push_back(inputs.empty() || kind == 0 ? need_all
                      : kind == 1                 ? 1
                                                  : 1 + static_cast<std::uint32_t>(rng.below(inputs.size())));
    }
    build();
  }
  RandomGraph with_input(std::uint32_t gate) const {
    RandomGraph out = *this;
    out.needs.push_back(need_all);
    out.edges.emplace_back(gate, static_cast<std::uint32_t>(out.needs.size() - 1));
    out.build();
    return out;
  }
  void build() {
    GraphBuilder builder(static_cast<std::uint32_t>(needs.size()));
    for (std::uint32_t n = 0; n < needs.size(); ++n) builder.need(n, needs[n]);
    for (const auto& [node, input] : edges) builder.edge(node, input);
    graph = std::move(builder).build().value();
  }
};

// The definition, step by step: nobody lives; then again and again a node comes alive when enough inputs live, where
// nodes that reach each other through ALL needs count as one.
inline std::vector<bool> alive_by_brute_force(const Graph& g, const std::vector<NodeId>& lost) {
  const NodeId size = g.size();
  // reach[a][b]: a needs b through ALL nodes only.
  std::vector<std::vector<bool>> reach(size, std::vector<bool>(size, false));
  for (NodeId a = 0; a < size; ++a) {
    std::vector<NodeId> open{a};
    while (!open.empty()) {
      const NodeId n = open.back();
      open.pop_back();
      if (!g.needs_all(n)) continue;
      for (const NodeId input : g.inputs(n))
        if (!reach[a][input]) {
          reach[a][input] = true;
          open.push_back(input);
        }
    }
  }
  const auto together = [&](NodeId a, NodeId b) { return a == b || (reach[a][b] && reach[b][a]); };
  std::vector<bool> is_lost(size, false), alive(size, false);
  for (const NodeId n : lost) is_lost[n] = true;
  for (bool changed = true; changed;) {
    changed = false;
    for (NodeId n = 0; n < size; ++n) {
      if (alive[n]) continue;
      bool able = true;
      for (NodeId m = 0; m < size && able; ++m) {
        if (!together(n, m)) continue;
        std::uint32_t living = 0;
        for (const NodeId input : g.inputs(m))
          living += alive[input] || (m == n ? together(n, input) && input != n : together(n, input));
        able = !is_lost[m] && living >= g.need(m);
      }
      if (!able) continue;
      alive[n] = changed = true;
    }
  }
  return alive;
}

}  // namespace hz::drill
