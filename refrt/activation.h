// Activation functions by name: operators of their own and the gates of recurrent layers.
#pragma once
#include <string_view>

namespace hz::refrt {

struct Activation {
  std::string_view name;
  double (*f)(double x, double alpha, double beta);
  double alpha = 0, beta = 0;  // ONNX defaults
};
// Null when unknown. Names compare without case, as the recurrent operators demand.
const Activation* find_activation(std::string_view name);

}  // namespace hz::refrt
