// Shapes, strides and the one way to walk several tensors at once.
#pragma once
#include <array>

#include "refrt/call.h"

namespace hz::refrt {

std::int64_t product(std::span<const std::int64_t> dims);
Shape strides_of(const Shape& shape);  // row-major, in elements
// Strides that read `from` as if it had been broadcast to `to` (same rank or more): 0 along repeated axes.
Shape broadcast_strides(const Shape& from, const Shape& to);
// The common shape by numpy's rule. Errors: refrt.invalid.
Result<Shape> broadcast(const Call& call, const Shape& a, const Shape& b);

// A shape seen as outer x middle x inner around one axis (or one range of axes).
struct Split3 {
  std::size_t outer = 1, middle = 1, inner = 1;
};
Split3 split3(const Shape& shape, std::size_t begin, std::size_t end);
inline Split3 split3(const Shape& shape, std::size_t axis) { return split3(shape, axis, axis + 1); }

// Visits all positions of `shape` in row-major order, one call per run along the innermost axis:
// row(offsets, count, steps) where operand k's elements stand at offsets[k] + i * steps[k]. Axes that all operands can
// cross in one stride are merged first, so equal contiguous operands give a single call.
template <std::size_t N, class F>
void walk(const Shape& shape, const std::array<Shape, N>& strides, F&& row, std::array<std::int64_t, N> at = {}) {
  struct Axis {
    std::int64_t size;
    std::array<std::int64_t, N> step;
  };
  std::vector<Axis> axes;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] == 0) return;
    if (shape[d] == 1) continue;
    Axis axis{shape[d], {}};
    for (std::size_t k = 0; k < N; ++k) axis.step[k] = strides[k][d];
    bool merges = !axes.empty();
    for (std::size_t k = 0; merges && k < N; ++k) merges = axes.back().step[k] == axis.step[k] * axis.size;
    if (merges)
      axis.size *= axes.back().size, axes.back() = axis;
    else
      axes.push_back(axis);
  }
  if (axes.empty()) return row(at, std::int64_t{1}, std::array<std::int64_t, N>{});
  const Axis inner = axes.back();
  axes.pop_back();
  std::vector<std::int64_t> index(axes.size());
  for (;;) {
    row(at, inner.size, inner.step);
    std::size_t d = axes.size();
    for (; d > 0; --d) {
      Axis& axis = axes[d - 1];
      if (++index[d - 1] < axis.size) {
        for (std::size_t k = 0; k < N; ++k) at[k] += axis.step[k];
        break;
      }
      index[d - 1] = 0;
      for (std::size_t k = 0; k < N; ++k) at[k] -= axis.step[k] * (axis.size - 1);
    }
    if (d == 0) return;
  }
}

// The list base + position . strides for every position of `shape`, for pick().
std::vector<std::int64_t> offsets(const Shape& shape, const Shape& strides, std::int64_t base = 0);

}  // namespace hz::refrt
