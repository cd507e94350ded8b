// The optimizer steps of the preview training domain. Inputs: rate, count, then all tensors, all gradients, all states.
#include <cmath>

#include "refrt/operators.h"
#include "refrt/wide.h"

namespace hz::refrt {

namespace {

// Splits the inputs into groups of n tensors and runs step(tensor, gradient, states) on each; outputs come in the same
// groups.
template <class Step>
Result<void> optimize(Call& call, std::size_t states, Step&& step) {
  const double rate = HZ_TRY(call.real(0)), count = HZ_TRY(call.real(1));
  const std::size_t groups = 2 + states, n = call.inputs.size() < 2 ? 0 : (call.inputs.size() - 2) / groups;
  if (n == 0 || call.inputs.size() != 2 + n * groups) return call.invalid("{} inputs", call.inputs.size());
  for (std::size_t k = 0; k < n; ++k) {
    const Tensor& x = *HZ_TRY(call.tensor(2 + k));
    HZ_TRY(call.admit(x.shape));
    std::vector<std::vector<double>> v;
    for (std::size_t g = 0; g < groups; ++g) {
      const Tensor& t = *HZ_TRY(call.tensor(2 + g * n + k));
      v.push_back(HZ_TRY(reals(call, t)));
      if (t.shape != x.shape) return call.invalid("tensors differ in shape");
    }
    for (std::size_t i = 0; i < v[0].size(); ++i) {
      double s[2] = {states > 0 ? v[2][i] : 0, states > 1 ? v[3][i] : 0};
      step(v[0][i], v[1][i], s, rate, count);
      for (std::size_t g = 0; g < states; ++g) v[2 + g][i] = s[g];
    }
    call.give(k, store(x.dtype, x.shape, v[0]));
    for (std::size_t g = 0; g < states; ++g) call.give((1 + g) * n + k, store(x.dtype, x.shape, v[2 + g]));
  }
  return {};
}

Result<void> adagrad(Call& call) {
  const double decay = call.float_of("decay_factor", 0), epsilon = call.float_of("epsilon", 1e-6),
               norm = call.float_of("norm_coefficient", 0);
  return optimize(call, 1, [&](double& x, double gradient, double* s, double rate, double count) {
    const double g = norm * x + gradient;
    s[0] += g * g;
    x -= rate / (1 + count * decay) * g / (std::sqrt(s[0]) + epsilon);
  });
}

Result<void> adam(Call& call) {
  const double a = call.float_of("alpha", 0.9), b = call.float_of("beta", 0.999),
               epsilon = call.float_of("epsilon", 1e-6);
  const double norm = call.float_of("norm_coefficient", 0), after = call.float_of("norm_coefficient_post", 0);
  return optimize(call, 2, [&](double& x, double gradient, double* s, double rate, double count) {
    const double g = norm * x + gradient;
    s[0] = a * s[0] + (1 - a) * g;
    s[1] = b * s[1] + (1 - b) * g * g;
    const double adjusted = count > 0 ? rate * std::sqrt(1 - std::pow(b, count)) / (1 - std::pow(a, count)) : rate;
    x = (1 - after) * (x - adjusted * s[0] / (std::sqrt(s[1]) + epsilon));
  });
}

Result<void> momentum(Call& call) {
  const double a = call.float_of("alpha", 0), b = call.float_of("beta", 0), norm = call.float_of("norm_coefficient", 0);
  const bool nesterov = call.string_of("mode", "standard") == "nesterov";
  return optimize(call, 1, [&](double& x, double gradient, double* s, double rate, double count) {
    const double g = norm * x + gradient, weight = count > 0 ? b : 1;
    s[0] = a * s[0] + weight * g;
    x -= rate * (nesterov ? g + a * s[0] : s[0]);
  });
}

constexpr std::string_view domain = "ai.onnx.preview.training";
constexpr OpRow rows[] = {
    {"Adagrad", adagrad, 1, 1, domain},
    {"Adam", adam, 1, 1, domain},
    {"Momentum", momentum, 1, 1, domain},
};

}  // namespace

std::span<const OpRow> training_ops() { return rows; }

}  // namespace hz::refrt
