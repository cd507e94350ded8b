#include "drill/cut_sets.h"

#include <doctest/doctest.h>

#include <bit>
#include <set>

#include "drill/propagate.h"
#include "drill/test_graph.h"

using namespace hz;
using namespace hz::drill;

namespace {

// Every leaf (and some inner nodes) fails by an event; at most 14 events.
struct Case {
  RandomGraph random;
  Events events;
  std::vector<std::vector<NodeId>> nodes_of;  // event -> nodes it takes away

  Case(SeededRng& rng, bool circles) : random(rng, 5 + static_cast<std::uint32_t>(rng.below(22)), circles) {
    nodes_of.resize(1 + rng.below(14));
    for (NodeId n = 0; n < random.graph.size(); ++n) {
      if (!random.graph.inputs(n).empty() && rng.below(5) != 0) continue;
      const auto event = static_cast<std::uint32_t>(rng.below(nodes_of.size()));
      events.add(n, event);
      nodes_of[event].push_back(n);
    }
    events.seal();
  }

  bool stops(NodeId root, std::uint32_t mask, Propagation& p) const {
    std::vector<NodeId> lost;
    for (std::uint32_t e = 0; e < nodes_of.size(); ++e)
      if ((mask >> e) & 1) lost.insert(lost.end(), nodes_of[e].begin(), nodes_of[e].end());
    p.lose(lost);
    return p.life(root) == Life::stopped;
  }
  std::set<std::uint32_t> by_brute_force(NodeId root) const {
    Propagation p(random.graph);
    std::vector<bool> fatal(std::size_t{1} << nodes_of.size());
    std::set<std::uint32_t> minimal;
    for (std::uint32_t mask = 0; mask < fatal.size(); ++mask) {
      fatal[mask] = stops(root, mask, p);
      bool is_minimal = fatal[mask];
      for (std::uint32_t e = 0; e < nodes_of.size() && is_minimal; ++e)
        if (((mask >> e) & 1) && fatal[mask ^ (1u << e)]) is_minimal = false;
      if (is_minimal) minimal.insert(mask);
    }
    return minimal;
  }
};

std::set<std::uint32_t> masks(const CutSets& found) {
  std::set<std::uint32_t> out;
  for (const auto& set : found.sets) {
    std::uint32_t mask = 0;
    for (const std::uint32_t e : set) mask |= 1u << e;
    out.insert(mask);
  }
  return out;
}

}  // namespace

TEST_CASE("cut sets: equal to brute force over every subset of events, with and without circles") {
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    CAPTURE(seed);
    SeededRng rng(seed);
    const Case c(rng, seed % 3 == 0);
    const auto root = static_cast<NodeId>(c.random.graph.size() - 1);
    const CutSets found = cut_sets(c.random.graph, c.events, root, {}).value();
    CHECK(found.exact);
    CHECK(masks(found) == c.by_brute_force(root));
  }
}

TEST_CASE("cut sets: an order limit keeps exactly the sets up to that size and says so") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    SeededRng rng(seed);
    const Case c(rng, seed % 3 == 0);
    const auto root = static_cast<NodeId>(c.random.graph.size() - 1);
    const auto all = c.by_brute_force(root);
    for (std::uint32_t order : {1u, 2u, 3u}) {
      std::set<std::uint32_t> wanted;
      for (const std::uint32_t mask : all)
        if (static_cast<std::uint32_t>(std::popcount(mask)) <= order) wanted.insert(mask);
      const CutSets found = cut_sets(c.random.graph, c.events, root, {.order_max = order}).value();
      CHECK(masks(found) == wanted);
      if (found.exact) CHECK(wanted == all);
    }
  }
}

TEST_CASE("cut sets: duality, every cut set meets every set of events whose absence keeps the root alive") {
  for (std::uint64_t seed = 200; seed <= 260; ++seed) {
    CAPTURE(seed);
    SeededRng rng(seed);
    const Case c(rng, false);
    const auto root = static_cast<NodeId>(c.random.graph.size() - 1);
    const CutSets found = cut_sets(c.random.graph, c.events, root, {}).value();
    Propagation p(c.random.graph);
    const auto everything = static_cast<std::uint32_t>((std::size_t{1} << c.nodes_of.size()) - 1);
    for (std::uint32_t kept = 0; kept <= everything; ++kept) {
      const bool path = !c.stops(root, everything & ~kept, p);
      bool all_met = true;
      for (const std::uint32_t mask : masks(found)) all_met = all_met && (mask & kept) != 0;
      REQUIRE(path == all_met);
    }
  }
}

TEST_CASE(
    "cut sets: when the work limit is reached the order limit is lowered and the answer says how far it is complete") {
  // 12 alternatives, each needing 6 leaves: 6^12 sets of 12 events.
  GraphBuilder b(1);
  Events events;
  std::vector<std::uint32_t> leaves;
  b.need(0, 1);
  for (int i = 0; i < 12; ++i) {
    const std::uint32_t alternative = b.add();
    b.edge(0, alternative);
    for (int j = 0; j < 6; ++j) {
      leaves.push_back(b.add());
      b.edge(alternative, leaves.back());
    }
  }
  const std::uint32_t root = b.add(), single = b.add();
  b.edge(root, 0);
  b.edge(root, single);
  const Graph g = std::move(b).build().value();
  for (std::uint32_t i = 0; i < leaves.size(); ++i) events.add(g.node(leaves[i]), i);
  events.add(g.node(single), 999);
  events.seal();
  const CutSets found = cut_sets(g, events, g.node(root), {.order_max = 0, .work_max = 200'000}).value();
  CHECK(!found.exact);
  CHECK(found.complete_to_order >= 1);
  CHECK(found.complete_to_order < 12);
  CHECK(found.sets == std::vector<std::vector<std::uint32_t>>{{999}});
}
