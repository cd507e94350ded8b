// Softmax, LogSoftmax, Hardmax, and the two losses built on them.
#include <cmath>

#include "refrt/operators.h"
#include "refrt/shape.h"
#include "refrt/wide.h"

namespace hz::refrt {

namespace {

enum class Kind { soft, log, hard };

void normalise(std::vector<double>& v, const Split3& s, Kind kind) {
  for (std::size_t o = 0; o < s.outer; ++o)
    for (std::size_t i = 0; i < s.inner; ++i) {
      double* line = v.data() + o * s.middle * s.inner + i;
      std::size_t top = 0;
      for (std::size_t k = 1; k < s.middle; ++k)
        if (line[k * s.inner] > line[top * s.inner]) top = k;
      if (kind == Kind::hard) {
        for (std::size_t k = 0; k < s.middle; ++k) line[k * s.inner] = k == top;
        continue;
      }
      const double max = s.middle == 0 ? 0 : line[top * s.inner];
      double sum = 0;
      for (std::size_t k = 0; k < s.middle; ++k) sum += std::exp(line[k * s.inner] - max);
      const double log_sum = std::log(sum);
      for (std::size_t k = 0; k < s.middle; ++k) {
        double& here = line[k * s.inner];
        here = kind == Kind::soft ? std::exp(here - max) / sum : here - max - log_sum;
      }
    }
}

// Before opset 13 the input was a matrix cut at `axis` (default 1); since then one axis (default the last).
template <Kind kind>
Result<void> softmax(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  HZ_TRY(call.admit(x.shape));
  HZ_TRY(call.work(static_cast<double>(x.count()) * 10));
  auto v = HZ_TRY(reals(call, x));
  const bool old = call.opset < 13;
  const std::size_t axis =
      HZ_TRY(call.axis(call.int_of("axis", old ? 1 : -1), std::max<std::size_t>(x.shape.size(), old ? 2 : 0)));
  if (axis > x.shape.size()) return call.invalid("axis {}", axis);
  if (!v.empty()) normalise(v, old ? split3(x.shape, axis, x.shape.size()) : split3(x.shape, axis), kind);
  call.give(0, store(x.dtype, x.shape, v));
  return {};
}

// Sums -weight[target] * logs[target] over the classes in axis 1.
Result<Tensor> negative_log_likelihood(Call& call, const Tensor& x, const std::vector<double>& logs) {
  const Tensor& target = *HZ_TRY(call.tensor(1));
  const auto targets = HZ_TRY(call.integers(1));
  if (x.shape.size() < 2) return call.invalid("scores need a class axis");
  Shape per_item = x.shape;
  per_item.erase(per_item.begin() + 1);
  if (target.shape != per_item) return call.invalid("targets must be {}", text(per_item));
  const auto [outer, classes, inner] = split3(x.shape, 1);
  std::vector<double> weights(classes, 1);
  if (call.has(2)) {
    weights = HZ_TRY(reals(call, *HZ_TRY(call.tensor(2))));
    if (weights.size() != classes) return call.invalid("{} weights for {} classes", weights.size(), classes);
  }
  const auto* ignore = call.node.find("ignore_index");
  HZ_TRY(call.admit(per_item));
  std::vector<double> loss(targets.size());
  double sum = 0, weight = 0;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (ignore && targets[i] == ignore->i) continue;
    if (targets[i] < 0 || targets[i] >= static_cast<std::int64_t>(classes)) return call.invalid("class {}", targets[i]);
    const auto c = static_cast<std::size_t>(targets[i]);
    loss[i] = -logs[(i / inner * classes + c) * inner + i % inner] * weights[c];
    sum += loss[i];
    weight += weights[c];
  }
  const std::string how = call.string_of("reduction", "mean");
  if (how == "none") return store(x.dtype, per_item, loss);
  if (how != "sum" && how != "mean") return call.invalid("reduction {}", how);
  return store(x.dtype, {}, std::vector<double>{how == "sum" ? sum : sum / weight});
}

Result<void> nll_loss(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const auto logs = HZ_TRY(reals(call, x));
  call.give(0, HZ_TRY(negative_log_likelihood(call, x, logs)));
  return {};
}

Result<void> cross_entropy_loss(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  auto logs = HZ_TRY(reals(call, x));
  HZ_TRY(call.admit(x.shape));
  if (x.shape.size() < 2) return call.invalid("scores need a class axis");
  if (!logs.empty()) normalise(logs, split3(x.shape, 1), Kind::log);
  call.give(0, HZ_TRY(negative_log_likelihood(call, x, logs)));
  call.give(1, store(x.dtype, x.shape, logs));
  return {};
}

constexpr OpRow rows[] = {
    {"Softmax", softmax<Kind::soft>},
    {"LogSoftmax", softmax<Kind::log>},
    {"Hardmax", softmax<Kind::hard>},
    {"NegativeLogLikelihoodLoss", nll_loss, 12},
    {"SoftmaxCrossEntropyLoss", cross_entropy_loss, 12},
};

}  // namespace

std::span<const OpRow> softmax_ops() { return rows; }

}  // namespace hz::refrt
