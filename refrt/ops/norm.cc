// Normalisations.
#include <cmath>

#include "refrt/operators.h"
#include "refrt/shape.h"
#include "refrt/wide.h"

namespace hz::refrt {

namespace {

struct Moments {
  double mean = 0, variance = 0;  // of the whole population
};
template <class At>
Moments moments(std::size_t n, At at) {
  Moments out;
  for (std::size_t i = 0; i < n; ++i) out.mean += at(i);
  out.mean /= static_cast<double>(n);
  for (std::size_t i = 0; i < n; ++i) out.variance += (at(i) - out.mean) * (at(i) - out.mean);
  out.variance /= static_cast<double>(n);
  return out;
}

Result<std::vector<double>> per_channel(const Call& call, std::size_t i, std::size_t channels) {
  auto v = HZ_TRY(reals(call, *HZ_TRY(call.tensor(i))));
  if (v.size() != channels) return call.invalid("input {} needs {} elements", i, channels);
  return v;
}

Result<void> batch_norm(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  if (x.shape.empty()) return call.invalid("an input [N, C, ...] is needed");
  const auto [n, channels, inner] = x.shape.size() > 1 ? split3(x.shape, 1) : Split3{x.count(), 1, 1};
  auto v = HZ_TRY(reals(call, x));
  const auto scale = HZ_TRY(per_channel(call, 1, channels)), bias = HZ_TRY(per_channel(call, 2, channels));
  auto mean = HZ_TRY(per_channel(call, 3, channels)), variance = HZ_TRY(per_channel(call, 4, channels));
  const double epsilon = call.float_of("epsilon", 1e-5), momentum = call.float_of("momentum", 0.9);
  HZ_TRY(call.admit(x.shape));
  const bool training = call.int_of("training_mode", 0) != 0;
  auto running_mean = mean, running_variance = variance;
  if (training && !v.empty())
    for (std::size_t c = 0; c < channels; ++c) {
      const auto m =
          moments(n * inner, [&](std::size_t i) { return v[(i / inner * channels + c) * inner + i % inner]; });
      running_mean[c] = mean[c] * momentum + m.mean * (1 - momentum);
      running_variance[c] = variance[c] * momentum + m.variance * (1 - momentum);
      mean[c] = m.mean;
      variance[c] = m.variance;
    }
  std::vector<double> factor(channels);
  for (std::size_t c = 0; c < channels; ++c) factor[c] = scale[c] / std::sqrt(variance[c] + epsilon);
  for (std::size_t i = 0; i < v.size(); ++i) {
    const std::size_t c = i / inner % channels;
    v[i] = (v[i] - mean[c]) * factor[c] + bias[c];
  }
  call.give(0, store(x.dtype, x.shape, v));
  const Shape shape{static_cast<std::int64_t>(channels)};
  call.give(1, store(call.find(3)->dtype, shape, running_mean));
  call.give(2, store(call.find(4)->dtype, shape, running_variance));
  for (std::size_t i : {3u, 4u})
    if (call.wants(i)) return call.unsupported("saved statistics of training");
  return {};
}

Result<void> instance_norm(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  if (x.shape.size() < 3) return call.invalid("an input [N, C, ...] is needed");
  const auto [n, channels, inner] = split3(x.shape, 1);
  auto v = HZ_TRY(reals(call, x));
  const auto scale = HZ_TRY(per_channel(call, 1, channels)), bias = HZ_TRY(per_channel(call, 2, channels));
  const double epsilon = call.float_of("epsilon", 1e-5);
  HZ_TRY(call.admit(x.shape));
  for (std::size_t p = 0; p < n * channels && !v.empty(); ++p) {
    double* plane = v.data() + p * inner;
    const auto m = moments(inner, [&](std::size_t i) { return plane[i]; });
    const double factor = scale[p % channels] / std::sqrt(m.variance + epsilon);
    for (std::size_t i = 0; i < inner; ++i) plane[i] = (plane[i] - m.mean) * factor + bias[p % channels];
  }
  call.give(0, store(x.dtype, x.shape, v));
  return {};
}

Result<void> layer_norm(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const Tensor& scale = *HZ_TRY(call.tensor(1));
  const std::size_t axis = HZ_TRY(call.axis(call.int_of("axis", -1), x.shape.size()));
  const Split3 s = split3(x.shape, axis, x.shape.size());
  auto v = HZ_TRY(reals(call, x));
  const Shape rest(x.shape.begin() + static_cast<std::ptrdiff_t>(axis), x.shape.end());
  // Scale and bias broadcast to the normalised axes.
  const auto widened = [&](const Tensor& t) -> Result<std::vector<double>> {
    const auto own = HZ_TRY(reals(call, t));
    if (HZ_TRY(broadcast(call, rest, t.shape)) != rest)
      return call.invalid("{} does not fit {}", text(t.shape), text(rest));
    std::vector<double> out;
    for (const std::int64_t at : offsets(rest, broadcast_strides(t.shape, rest)))
      out.push_back(own[static_cast<std::size_t>(at)]);
    return out;
  };
  HZ_TRY(call.admit(x.shape));
  const auto factor = HZ_TRY(widened(scale));
  const auto bias = call.has(2) ? HZ_TRY(widened(*HZ_TRY(call.tensor(2)))) : std::vector<double>(factor.size());
  const double epsilon = call.float_of("epsilon", 1e-5);
  std::vector<double> means(s.outer), inverse(s.outer);
  for (std::size_t o = 0; o < s.outer && s.middle != 0; ++o) {
    double* line = v.data() + o * s.middle;
    const auto m = moments(s.middle, [&](std::size_t i) { return line[i]; });
    means[o] = m.mean;
    inverse[o] = 1 / std::sqrt(m.variance + epsilon);
    for (std::size_t i = 0; i < s.middle; ++i) line[i] = (line[i] - m.mean) * inverse[o] * factor[i] + bias[i];
  }
  call.give(0, store(x.dtype, x.shape, v));
  Shape reduced = x.shape;
  std::fill(reduced.begin() + static_cast<std::ptrdiff_t>(axis), reduced.end(), 1);
  const Dtype stash = call.int_of("stash_type", 1) == 1 ? Dtype::float32 : x.dtype;
  call.give(1, store(stash, reduced, means));
  call.give(2, store(stash, reduced, inverse));
  return {};
}

// Divides by a power of the squares summed over neighbouring channels.
Result<void> local_response_norm(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  if (x.shape.size() < 2) return call.invalid("an input [N, C, ...] is needed");
  const auto [n, channels, inner] = split3(x.shape, 1);
  const auto v = HZ_TRY(reals(call, x));
  const std::int64_t size = call.int_of("size", 1);
  if (size < 1) return call.invalid("size {}", size);
  HZ_TRY(call.admit(x.shape));
  HZ_TRY(call.work(static_cast<double>(v.size()) * static_cast<double>(std::min<std::int64_t>(size, x.shape[1]))));
  const double alpha = call.float_of("alpha", 1e-4), beta = call.float_of("beta", 0.75),
               bias = call.float_of("bias", 1);
  std::vector<double> out(v.size());
  for (std::size_t i = 0; i < v.size(); ++i) {
    const auto c = static_cast<std::int64_t>(i / inner % channels);
    const std::int64_t first = std::max<std::int64_t>(0, c - (size - 1) / 2);
    const std::int64_t last = c + std::min<std::int64_t>(size / 2, x.shape[1] - 1 - c);
    double squares = 0;
    for (std::int64_t k = first; k <= last; ++k) {
      const double near = v[i + static_cast<std::size_t>(k) * inner - static_cast<std::size_t>(c) * inner];
      squares += near * near;
    }
    out[i] = v[i] / std::pow(bias + alpha / static_cast<double>(size) * squares, beta);
  }
  call.give(0, store(x.dtype, x.shape, out));
  return {};
}

Result<void> mean_variance_norm(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const auto axes = call.given("axes") ? call.ints_of("axes") : std::vector<std::int64_t>{0, 2, 3};
  const auto over = HZ_TRY(call.axis_set(axes, x.shape.size()));
  auto v = HZ_TRY(reals(call, x));
  HZ_TRY(call.admit(x.shape));
  // The group of an element is its position with the normalised axes left out.
  Shape kept = x.shape, to;
  for (std::size_t d = 0; d < kept.size(); ++d)
    if (over[d]) kept[d] = 1;
  to = broadcast_strides(kept, x.shape);
  const auto group = offsets(x.shape, to);
  std::vector<double> sum(static_cast<std::size_t>(product(kept))), squares(sum.size());
  for (std::size_t i = 0; i < v.size(); ++i) {
    sum[static_cast<std::size_t>(group[i])] += v[i];
    squares[static_cast<std::size_t>(group[i])] += v[i] * v[i];
  }
  const double n = static_cast<double>(v.size()) / static_cast<double>(std::max<std::size_t>(sum.size(), 1));
  for (std::size_t i = 0; i < v.size(); ++i) {
    const auto g = static_cast<std::size_t>(group[i]);
    const double mean = sum[g] / n;
    v[i] = (v[i] - mean) / (std::sqrt(std::max(0.0, squares[g] / n - mean * mean)) + 1e-9);
  }
  call.give(0, store(x.dtype, x.shape, v));
  return {};
}

Result<void> lp_norm(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const std::size_t axis = HZ_TRY(call.axis(call.int_of("axis", -1), x.shape.size()));
  const std::int64_t p = call.int_of("p", 2);
  if (p != 1 && p != 2) return call.invalid("p {}", p);
  auto v = HZ_TRY(reals(call, x));
  HZ_TRY(call.admit(x.shape));
  const auto [outer, n, inner] = split3(x.shape, axis);
  for (std::size_t o = 0; o < outer; ++o)
    for (std::size_t i = 0; i < inner; ++i) {
      double sum = 0;
      for (std::size_t k = 0; k < n; ++k) {
        const double e = v[(o * n + k) * inner + i];
        sum += p == 1 ? std::fabs(e) : e * e;
      }
      const double norm = p == 1 ? sum : std::sqrt(sum);
      for (std::size_t k = 0; k < n; ++k)
        if (norm != 0) v[(o * n + k) * inner + i] /= norm;
    }
  call.give(0, store(x.dtype, x.shape, v));
  return {};
}

constexpr OpRow rows[] = {
    {"BatchNormalization", batch_norm},
    {"InstanceNormalization", instance_norm},
    {"LayerNormalization", layer_norm, 17},
    {"LRN", local_response_norm},
    {"MeanVarianceNormalization", mean_variance_norm, 9},
    {"LpNormalization", lp_norm},
};

}  // namespace

std::span<const OpRow> norm_ops() { return rows; }

}  // namespace hz::refrt
