// A layered drawing of a small directed graph, left to right.
//
// 1. Columns: every node stands as far right as its consumers allow (longest path from the right), so edges are short.
// 2. Edges over several columns are split by bends, so that they get a lane of their own.
// 3. Order: barycenter sweeps left and right, keeping the order with the fewest crossings.
// 4. Heights: nodes are drawn to the mean of their neighbours; a column keeps its order and its gaps exactly (least
// squares
//    under order constraints, by pooling adjacent violators).
//
// Simpler idea that failed: one row per node in order of discovery. Ten nodes with shared inputs already cross.
#pragma once
#include <cstdint>
#include <utility>
#include <vector>

namespace hz::drill {

struct Sketch {
  std::vector<int> heights;                // of each node
  std::vector<std::pair<int, int>> edges;  // from (left) to (right); cycles are broken by ignoring edges that close one
  int width = 204;                         // of every node
  int column_gap = 60, row_gap = 16;
};

struct Placed {
  struct Box {
    int column = 0, x = 0, y = 0;
  };
  struct Line {
    int from = 0, to = 0;
    std::vector<std::pair<int, int>> points;  // from the right edge of `from` over the bends to the left edge of `to`
  };
  std::vector<Box> boxes;
  std::vector<Line> lines;
  int width = 0, height = 0;
};

// Deterministic. O(sweeps x edges x log).
Placed place(const Sketch& sketch);

}  // namespace hz::drill
