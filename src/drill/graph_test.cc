#include "drill/graph.h"

#include <doctest/doctest.h>

#include "drill/cut_sets.h"
#include "drill/names.h"
#include "drill/propagate.h"
#include "drill/test_graph.h"

using namespace hz;
using namespace hz::drill;

TEST_CASE("names: the same text always gets the same handle") {
  Names names;
  for (int i = 0; i < 1000; ++i) CHECK(names.intern(fmt::format("npm:x{}", i)) == static_cast<std::uint32_t>(i));
  for (int i = 0; i < 1000; ++i) {
    CHECK(names.intern(fmt::format("npm:x{}", i)) == static_cast<std::uint32_t>(i));
    CHECK(names.text(static_cast<std::uint32_t>(i)) == fmt::format("npm:x{}", i));
  }
  CHECK(!names.find("npm:y"));
  CHECK(names.intern("") == 1000);
  CHECK(names.find("") == 1000u);
}

TEST_CASE("graph: inputs are numbered before consumers, repeats and self-needs are dropped") {
  GraphBuilder b(4);
  b.edge(0, 1);
  b.edge(0, 1);
  b.edge(1, 2);
  b.edge(1, 3);
  b.edge(3, 3);
  const Graph g = std::move(b).build().value();
  CHECK(g.edges() == 3);
  CHECK(g.node(1) < g.node(0));
  CHECK(g.node(2) < g.node(1));
  CHECK(g.self_needs().size() == 1);
  CHECK(g.self_needs()[0] == 3);
  CHECK(g.need(g.node(3)) == 0);
  CHECK(g.blocks().empty());
  CHECK(g.handle(g.node(2)) == 2);
}

TEST_CASE("propagation: all, any and k-of-n fail exactly when too few inputs are left") {
  // 0 = 2 of {1, 2, 3}; 4 = any of {0, 5}; 6 = all of {4, 1}
  GraphBuilder b(7);
  for (std::uint32_t leaf : {1u, 2u, 3u}) b.edge(0, leaf);
  b.need(0, 2);
  b.edge(4, 0);
  b.edge(4, 5);
  b.need(4, 1);
  b.edge(6, 4);
  b.edge(6, 1);
  const Graph g = std::move(b).build().value();
  Propagation p(g);
  const auto lose = [&](std::vector<std::uint32_t> handles) {
    std::vector<NodeId> lost;
    for (const std::uint32_t h : handles) lost.push_back(g.node(h));
    p.lose(lost);
  };
  lose({2});
  CHECK(p.life(g.node(0)) == Life::degraded);
  CHECK(p.life(g.node(6)) == Life::degraded);
  lose({2, 3});
  CHECK(p.life(g.node(0)) == Life::stopped);
  CHECK(p.life(g.node(4)) == Life::degraded);
  lose({1});
  CHECK(p.life(g.node(6)) == Life::stopped);
  CHECK(p.chain(g.node(6)) == std::vector<NodeId>{g.node(6), g.node(1)});
  lose({5, 2, 3});
  CHECK(p.life(g.node(6)) == Life::stopped);
  lose({});
  CHECK(p.life(g.node(6)) == Life::running);
}

TEST_CASE("propagation: packages that need each other live together and fall together") {
  // libc6 <-> libgcc-s1, both need kernel; app needs libc6.
  GraphBuilder b(4);
  b.edge(0, 1);
  b.edge(1, 0);
  b.edge(1, 2);
  b.edge(3, 0);
  const Graph g = std::move(b).build().value();
  REQUIRE(g.blocks().size() == 1);
  CHECK(g.blocks()[0].count == 2);
  Propagation p(g);
  CHECK(p.life(g.node(3)) == Life::running);
  p.lose(std::vector<NodeId>{g.node(2)});
  CHECK(p.life(g.node(3)) == Life::stopped);
  CHECK(p.chain(g.node(3)) == std::vector<NodeId>{g.node(3), g.node(0), g.node(1), g.node(2)});
}

TEST_CASE("propagation: two backups that are each other's only source keep nobody alive") {
  // a = any(grid, b), b = any(grid, a)
  GraphBuilder b(3);
  b.need(0, 1);
  b.need(1, 1);
  b.edge(0, 1);
  b.edge(0, 2);
  b.edge(1, 0);
  b.edge(1, 2);
  const Graph g = std::move(b).build().value();
  Propagation p(g);
  CHECK(p.life(g.node(0)) == Life::running);
  p.lose(std::vector<NodeId>{g.node(2)});
  CHECK(p.life(g.node(0)) == Life::stopped);
  CHECK(p.life(g.node(1)) == Life::stopped);
}

TEST_CASE("propagation: a requirement that asks for more than it has is stopped before any loss") {
  GraphBuilder b(3);
  b.edge(0, 1);
  b.need(0, 3);
  b.edge(2, 0);
  const Graph g = std::move(b).build().value();
  Propagation p(g);
  CHECK(p.life_before(g.node(2)) == Life::stopped);
  CHECK(p.chain(g.node(2)) == std::vector<NodeId>{g.node(2), g.node(0)});
  p.lose(std::vector<NodeId>{g.node(0)});
  p.lose({});
  CHECK(p.life(g.node(2)) == Life::stopped);
}

TEST_CASE("propagation: the walk agrees with brute force on random graphs, with and without circles") {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    CAPTURE(seed);
    SeededRng rng(seed);
    const RandomGraph random(rng, 4 + static_cast<std::uint32_t>(rng.below(60)), seed % 3 == 0);
    Propagation p(random.graph);
    for (int round = 0; round < 10; ++round) {
      std::vector<NodeId> lost;
      for (NodeId n = 0; n < random.graph.size(); ++n)
        if (rng.below(8) == 0) lost.push_back(n);
      p.lose(lost);
      const std::vector<bool> alive = alive_by_brute_force(random.graph, lost);
      for (NodeId n = 0; n < random.graph.size(); ++n) {
        CAPTURE(n);
        REQUIRE((p.life(n) != Life::stopped) == alive[n]);
        if (alive[n]) continue;
        // Every step of a chain names a failed input, and the chain ends.
        const std::vector<NodeId> chain = p.chain(n);
        REQUIRE(chain.size() <= random.graph.size());
        for (std::size_t i = 1; i < chain.size(); ++i) {
          const auto inputs = random.graph.inputs(chain[i - 1]);
          REQUIRE(std::find(inputs.begin(), inputs.end(), chain[i]) != inputs.end());
          REQUIRE(!alive[chain[i]]);
        }
      }
    }
  }
}

TEST_CASE("propagation: losing more never revives, adding a substitute never stops") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    SeededRng rng(seed);
    const std::uint32_t nodes = 6 + static_cast<std::uint32_t>(rng.below(40));
    const RandomGraph random(rng, nodes, seed % 2 == 0);
    Propagation p(random.graph);
    std::vector<NodeId> lost, more;
    for (NodeId n = 0; n < random.graph.size(); ++n) {
      if (rng.below(6) == 0) lost.push_back(n);
      if (rng.below(6) == 0) more.push_back(n);
    }
    p.lose(lost);
    std::vector<Life> before;
    for (NodeId n = 0; n < nodes; ++n) before.push_back(p.life(n));
    more.insert(more.end(), lost.begin(), lost.end());
    p.lose(more);
    for (NodeId n = 0; n < nodes; ++n) CHECK(p.life(n) >= before[n]);

    // A substitute: one more leaf for an ANY or k-of-n node, with k unchanged.
    std::uint32_t gate = static_cast<std::uint32_t>(rng.below(nodes));
    if (random.needs[gate] == need_all) continue;
    const RandomGraph richer = random.with_input(gate);
    Propagation q(richer.graph);
    std::vector<NodeId> same;
    for (const NodeId n : lost) same.push_back(richer.graph.node(random.graph.handle(n)));
    q.lose(same);
    for (std::uint32_t h = 0; h < nodes; ++h) {
      const bool stopped_now = q.life(richer.graph.node(h)) == Life::stopped;
      const bool stopped_then = before[random.graph.node(h)] == Life::stopped;
      CHECK((!stopped_now || stopped_then));
    }
  }
}
