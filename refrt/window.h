// Sliding windows: the geometry shared by convolutions and pools.
#pragma once
#include <array>

#include "refrt/call.h"

namespace hz::refrt {

// One to three spatial axes, always held as three: the missing ones in front have size 1. The simpler idea, an index
// vector per output element, spent more time on counters than on sums.
struct Window {
  using Axes = std::array<std::int64_t, 3>;
  Axes in{1, 1, 1}, out{1, 1, 1}, kernel{1, 1, 1}, stride{1, 1, 1}, dilation{1, 1, 1}, before{}, after{};
  std::size_t rank = 0;  // 1 to 3

  std::int64_t taps() const { return kernel[0] * kernel[1] * kernel[2]; }
  std::int64_t in_size() const { return in[0] * in[1] * in[2]; }
  std::int64_t out_size() const { return out[0] * out[1] * out[2]; }
  std::int64_t span(std::size_t a) const { return (kernel[a] - 1) * dilation[a] + 1; }
  Shape out_shape(std::int64_t n, std::int64_t c) const;
};

// Reads strides, dilations, pads, auto_pad (and ceil_mode) for an input [N, C, spatial...]. The kernel is given because
// convolutions may take it from the weights. Errors: refrt.invalid, refrt.unsupported (more than three spatial axes).
Result<Window> read_window(const Call& call, const Shape& x, std::span<const std::int64_t> kernel,
                           bool ceil_mode = false);
// The attributes alone, for the transposed forms; `in` is set, `out` and pads are not derived.
Result<Window> read_window_attributes(const Call& call, const Shape& x, std::span<const std::int64_t> kernel);

// For one tap of the kernel on one axis: the outputs o for which o * stride + tap * dilation - before lies in the
// input.
struct Reach {
  std::int64_t begin, end, offset;  // the input position is o * stride + offset
};
Reach reach(const Window& w, std::size_t axis, std::int64_t tap);

// f(input offset, output offset, count, input step) for every run along the last axis that tap (a, b, c) reaches.
template <class F>
void for_tap(const Window& w, std::int64_t a, std::int64_t b, std::int64_t c, F&& f) {
  const Reach r0 = reach(w, 0, a), r1 = reach(w, 1, b), r2 = reach(w, 2, c);
  if (r2.end <= r2.begin) return;
  for (std::int64_t i = r0.begin; i < r0.end; ++i)
    for (std::int64_t j = r1.begin; j < r1.end; ++j) {
      const std::int64_t row = ((i * w.stride[0] + r0.offset) * w.in[1] + j * w.stride[1] + r1.offset) * w.in[2];
      f(row + r2.begin * w.stride[2] + r2.offset, (i * w.out[1] + j) * w.out[2] + r2.begin, r2.end - r2.begin,
        w.stride[2]);
    }
}

}  // namespace hz::refrt
