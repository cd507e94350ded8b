#include "drill/layers.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

namespace hz::drill {
namespace {

// Nodes and bends together: indices below `real` are nodes.
struct Layering {
  std::size_t real = 0;
  std::vector<int> column, height;
  std::vector<std::vector<std::size_t>> left, right;                            // neighbours in the next column
  std::vector<std::vector<std::size_t>> columns;                                // order from top to bottom
  std::vector<std::pair<std::pair<int, int>, std::vector<std::size_t>>> paths;  // edge -> its chain of indices
};

// Edges without those that close a cycle, found depth-first.
std::vector<std::pair<int, int>> acyclic(std::size_t nodes, const std::vector<std::pair<int, int>>& edges) {
  std::vector<std::vector<int>> out(nodes);
  for (const auto& [from, to] : edges)
    if (from != to) out[static_cast<std::size_t>(from)].push_back(to);
  std::vector<int> state(nodes, 0);
  std::vector<std::pair<int, int>> kept;
  struct Frame {
    int node;
    std::size_t next;
  };
  for (std::size_t root = 0; root < nodes; ++root) {
    if (state[root] != 0) continue;
    std::vector<Frame> stack{{static_cast<int>(root), 0}};
    state[root] = 1;
    while (!stack.empty()) {
      Frame& frame = stack.back();
      const auto n = static_cast<std::size_t>(frame.node);
      if (frame.next == out[n].size()) {
        state[n] = 2;
        stack.pop_back();
        continue;
      }
      const int to = out[n][frame.next++];
      if (state[static_cast<std::size_t>(to)] == 1) continue;
      kept.emplace_back(frame.node, to);
      if (state[static_cast<std::size_t>(to)] == 0) {
        state[static_cast<std::size_t>(to)] = 1;
        stack.push_back({to, 0});
      }
    }
  }
  std::sort(kept.begin(), kept.end());
  kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
  return kept;
}

Layering layer(const Sketch& sketch) {
  Layering g;
  g.real = sketch.heights.size();
  const auto edges = acyclic(g.real, sketch.edges);
  // Distance from the right: relax until stable (the graph is small and acyclic).
  std::vector<int> from_right(g.real, 0);
  for (bool changed = true; changed;) {
    changed = false;
    for (const auto& [from, to] : edges) {
      const int wanted = from_right[static_cast<std::size_t>(to)] + 1;
      if (from_right[static_cast<std::size_t>(from)] < wanted) {
        from_right[static_cast<std::size_t>(from)] = wanted;
        changed = true;
      }
    }
  }
  const int last = g.real == 0 ? 0 : *std::max_element(from_right.begin(), from_right.end());
  g.height = sketch.heights;
  for (const int distance : from_right) g.column.push_back(last - distance);
  g.left.resize(g.real);
  g.right.resize(g.real);
  for (const auto& [from, to] : edges) {
    std::vector<std::size_t> path{static_cast<std::size_t>(from)};
    for (int c = g.column[static_cast<std::size_t>(from)] + 1; c < g.column[static_cast<std::size_t>(to)]; ++c) {
      path.push_back(g.column.size());
      g.column.push_back(c);
      g.height.push_back(8);
      g.left.emplace_back();
      g.right.emplace_back();
    }
    path.push_back(static_cast<std::size_t>(to));
    for (std::size_t i = 1; i < path.size(); ++i) {
      g.right[path[i - 1]].push_back(path[i]);
      g.left[path[i]].push_back(path[i - 1]);
    }
    g.paths.push_back({{from, to}, std::move(path)});
  }
  g.columns.resize(static_cast<std::size_t>(last) + 1);
  for (std::size_t n = 0; n < g.column.size(); ++n) g.columns[static_cast<std::size_t>(g.column[n])].push_back(n);
  return g;
}

std::vector<std::size_t> ranks(const Layering& g) {
  std::vector<std::size_t> rank(g.column.size());
  for (const auto& column : g.columns)
    for (std::size_t i = 0; i < column.size(); ++i) rank[column[i]] = i;
  return rank;
}

std::size_t crossings(const Layering& g) {
  const auto rank = ranks(g);
  std::size_t out = 0;
  for (const auto& column : g.columns) {
    std::vector<std::pair<std::size_t, std::size_t>> edges;
    for (const std::size_t n : column)
      for (const std::size_t m : g.right[n]) edges.emplace_back(rank[n], rank[m]);
    for (std::size_t i = 0; i < edges.size(); ++i)
      for (std::size_t j = i + 1; j < edges.size(); ++j)
        out += (edges[i].first < edges[j].first && edges[i].second > edges[j].second) ||
               (edges[i].first > edges[j].first && edges[i].second < edges[j].second);
  }
  return out;
}

void order(Layering& g) {
  auto best = g.columns;
  std::size_t fewest = crossings(g);
  for (int sweep = 0; sweep < 12 && fewest > 0; ++sweep) {
    const bool rightwards = sweep % 2 == 0;
    for (std::size_t step = 0; step < g.columns.size(); ++step) {
      auto& column = g.columns[rightwards ? step : g.columns.size() - 1 - step];
      const auto rank = ranks(g);
      const auto centre = [&](std::size_t n) {
        const auto& near = rightwards ? g.left[n] : g.right[n];
        if (near.empty()) return static_cast<double>(rank[n]);
        double sum = 0;
        for (const std::size_t m : near) sum += static_cast<double>(rank[m]);
        return sum / static_cast<double>(near.size());
      };
      std::vector<std::pair<double, std::size_t>> keyed;
      for (const std::size_t n : column) keyed.emplace_back(centre(n), n);
      std::sort(keyed.begin(), keyed.end(), [&](const auto& a, const auto& b) {
        return a.first != b.first ? a.first < b.first : rank[a.second] < rank[b.second];
      });
      for (std::size_t i = 0; i < keyed.size(); ++i) column[i] = keyed[i].second;
    }
    const std::size_t now = crossings(g);
    if (now < fewest) {
      fewest = now;
      best = g.columns;
    }
  }
  g.columns = best;
}

// Centres as near as possible to `wanted` with the given distances between neighbours kept at least.
std::vector<double> separate(const std::vector<double>& wanted, const std::vector<double>& distance) {
  struct Pool {
    double sum, count;
    std::size_t size;
  };
  std::vector<double> offset(wanted.size(), 0);
  for (std::size_t i = 1; i < wanted.size(); ++i) offset[i] = offset[i - 1] + distance[i];
  std::vector<Pool> pools;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    pools.push_back({wanted[i] - offset[i], 1, 1});
    while (pools.size() > 1) {
      const Pool& b = pools.back();
      Pool& a = pools[pools.size() - 2];
      if (a.sum / a.count <= b.sum / b.count) break;
      a = {a.sum + b.sum, a.count + b.count, a.size + b.size};
      pools.pop_back();
    }
  }
  std::vector<double> out;
  for (const Pool& pool : pools)
    for (std::size_t i = 0; i < pool.size; ++i) out.push_back(pool.sum / pool.count + offset[out.size()]);
  return out;
}

}  // namespace

Placed place(const Sketch& sketch) {
  Placed out;
  if (sketch.heights.empty()) return out;
  Layering g = layer(sketch);
  order(g);

  std::vector<double> y(g.column.size(), 0);
  const auto distances = [&](const std::vector<std::size_t>& column) {
    std::vector<double> d(column.size(), 0);
    for (std::size_t i = 1; i < column.size(); ++i)
      d[i] = (g.height[column[i - 1]] + g.height[column[i]]) / 2.0 + sketch.row_gap;
    return d;
  };
  for (const auto& column : g.columns) {
    const auto d = distances(column);
    double at = 0;
    for (std::size_t i = 0; i < column.size(); ++i) y[column[i]] = at += d[i];
    for (const std::size_t n : column) y[n] -= at / 2;
  }
  for (int sweep = 0; sweep < 24; ++sweep) {
    const bool rightwards = sweep % 2 == 0;
    for (std::size_t step = 0; step < g.columns.size(); ++step) {
      const auto& column = g.columns[rightwards ? step : g.columns.size() - 1 - step];
      std::vector<double> wanted;
      for (const std::size_t n : column) {
        double sum = 0, count = 0;
        for (const auto* near : {&g.left[n], &g.right[n]})
          for (const std::size_t m : *near) {
            sum += y[m];
            ++count;
          }
        wanted.push_back(count == 0 ? y[n] : sum / count);
      }
      const auto settled = separate(wanted, distances(column));
      for (std::size_t i = 0; i < column.size(); ++i) y[column[i]] = settled[i];
    }
  }

  double top = 1e9, bottom = -1e9;
  for (std::size_t n = 0; n < y.size(); ++n) {
    top = std::min(top, y[n] - g.height[n] / 2.0);
    bottom = std::max(bottom, y[n] + g.height[n] / 2.0);
  }
  const auto column_x = [&](int column) { return column * (sketch.width + sketch.column_gap); };
  const auto round_y = [&](double value) { return static_cast<int>(std::lround(value - top)); };
  for (std::size_t n = 0; n < g.real; ++n)
    out.boxes.push_back({g.column[n], column_x(g.column[n]), round_y(y[n] - g.height[n] / 2.0)});
  for (const auto& [edge, path] : g.paths) {
    Placed::Line line{edge.first, edge.second, {}};
    line.points.emplace_back(column_x(g.column[path.front()]) + sketch.width, round_y(y[path.front()]));
    for (std::size_t i = 1; i + 1 < path.size(); ++i) {
      line.points.emplace_back(column_x(g.column[path[i]]), round_y(y[path[i]]));
      line.points.emplace_back(column_x(g.column[path[i]]) + sketch.width, round_y(y[path[i]]));
    }
    line.points.emplace_back(column_x(g.column[path.back()]), round_y(y[path.back()]));
    out.lines.push_back(std::move(line));
  }
  out.width = column_x(static_cast<int>(g.columns.size()) - 1) + sketch.width;
  out.height = static_cast<int>(std::ceil(bottom - top));
  return out;
}

}  // namespace hz::drill
