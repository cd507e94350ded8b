// The convolution sum, shared by Conv and its quantized forms.
#pragma once
#include "refrt/window.h"

namespace hz::refrt {

struct Convolution {
  Shape shape;
  std::vector<double> values;
};
// x [N, C, ...] with w [M, C/group, ...]; reads the window attributes of the node. Integers below 2^53 stay exact.
Result<Convolution> convolve(const Call& call, const std::vector<double>& x, const Shape& x_shape,
                             const std::vector<double>& w, const Shape& w_shape);

}  // namespace hz::refrt
