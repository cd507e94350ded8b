// Quantized arithmetic. Integers below 2^53 are exact in double, so the float kernels serve.
#include <algorithm>
#include <cmath>
#include <limits>

#include "refrt/conv.h"
#include "refrt/matmul.h"
#include "refrt/operators.h"
#include "refrt/shape.h"
#include "refrt/wide.h"

namespace hz::refrt {

namespace {

struct Range {
  double low, high;
};
Result<Range> range_of(const Call& call, Dtype dtype) {
  switch (dtype) {
    case Dtype::uint8:
      return Range{0, 255};
    case Dtype::int8:
      return Range{-128, 127};
    case Dtype::int32:
      return Range{-2147483648.0, 2147483647.0};
    default:
      return call.bad_dtype(dtype);
  }
}

// Scale or zero point: one number, or one per position of an axis. `inner` elements share a position.
struct Steps {
  std::vector<double> values;
  std::size_t inner = 1;
  double at(std::size_t i) const { return values.size() == 1 ? values[0] : values[i / inner % values.size()]; }
};
Result<Steps> steps(const Call& call, const Tensor& t, const Shape& x, std::int64_t axis) {
  if (!is_real(t.dtype) && !is_integer(t.dtype)) return call.bad_dtype(t.dtype);
  Steps out{.values = load<double>(t)};
  if (out.values.size() == 1) return out;
  const std::size_t d = HZ_TRY(call.axis(axis, x.size()));
  if (t.shape.size() != 1 || t.shape[0] != x[d]) return call.invalid("{} steps for an axis of {}", text(t.shape), x[d]);
  out.inner = split3(x, d).inner;
  return out;
}
Result<Steps> zero_point(const Call& call, std::size_t i, const Shape& x, std::int64_t axis) {
  if (!call.has(i)) return Steps{.values = {0}};
  return steps(call, *HZ_TRY(call.tensor(i)), x, axis);
}

// The definition divides in float32, and a quotient that is a half there must round as a half.
double quotient(double x, double scale) { return std::nearbyint(static_cast<double>(static_cast<float>(x / scale))); }

Tensor rounded(Dtype dtype, const Shape& shape, std::vector<double>& v, Range range) {
  for (double& e : v) e = std::isnan(e) ? 0 : std::clamp(std::nearbyint(e), range.low, range.high);
  return store(dtype, shape, v);
}

Result<void> quantize(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const std::int64_t axis = call.int_of("axis", 1);
  const Dtype to = call.has(2) ? HZ_TRY(call.tensor(2))->dtype : Dtype::uint8;
  const Range range = HZ_TRY(range_of(call, to));
  const Steps scale = HZ_TRY(steps(call, *HZ_TRY(call.tensor(1)), x.shape, axis)),
              zero = HZ_TRY(zero_point(call, 2, x.shape, axis));
  HZ_TRY(call.admit(x.shape));
  if (!is_real(x.dtype) && x.dtype != Dtype::int32) return call.bad_dtype(x.dtype);
  auto v = load<double>(x);
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = quotient(v[i], scale.at(i)) + zero.at(i);
  call.give(0, rounded(to, x.shape, v, range));
  return {};
}

Result<void> dequantize(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const std::int64_t axis = call.int_of("axis", 1);
  HZ_TRY(range_of(call, x.dtype));
  const Steps scale = HZ_TRY(steps(call, *HZ_TRY(call.tensor(1)), x.shape, axis)),
              zero = HZ_TRY(zero_point(call, 2, x.shape, axis));
  HZ_TRY(call.admit(x.shape));
  auto v = load<double>(x);
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = (v[i] - zero.at(i)) * scale.at(i);
  call.give(0, store(Dtype::float32, x.shape, v));
  return {};
}

// The scale that maps [min(x,0), max(x,0)] to 0..255. It is a float32 in the definition, so it is rounded before use.
Result<void> dynamic_quantize(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  auto v = HZ_TRY(reals(call, x));
  HZ_TRY(call.admit(x.shape));
  double low = 0, high = 0;
  for (const double e : v) low = std::min(low, e), high = std::max(high, e);
  const double scale = static_cast<double>(static_cast<float>((high - low) / 255));
  const double zero = scale == 0 ? 0 : std::clamp(quotient(-low, scale), 0.0, 255.0);
  for (double& e : v) e = scale == 0 ? 0 : quotient(e, scale) + zero;
  call.give(0, rounded(Dtype::uint8, x.shape, v, {0, 255}));
  call.give(1, store(Dtype::float32, {}, std::vector<double>{scale}));
  call.give(2, store(Dtype::uint8, {}, std::vector<double>{zero}));
  return {};
}

// The operand at `i` minus its zero point at `zero`.
Result<std::vector<double>> centred(const Call& call, std::size_t i, std::size_t zero, std::int64_t axis) {
  const Tensor& x = *HZ_TRY(call.tensor(i));
  HZ_TRY(range_of(call, x.dtype));
  const Steps z = HZ_TRY(zero_point(call, zero, x.shape, axis));
  auto v = load<double>(x);
  for (std::size_t k = 0; k < v.size(); ++k) v[k] -= z.at(k);
  return v;
}

Result<void> matmul_integer(Call& call) {
  const Tensor& a = *HZ_TRY(call.tensor(0));
  const Tensor& b = *HZ_TRY(call.tensor(1));
  const auto c = HZ_TRY(
      matrix_product<double>(call, HZ_TRY(centred(call, 0, 2, -2)), a.shape, HZ_TRY(centred(call, 1, 3, -1)), b.shape));
  call.give(0, store(Dtype::int32, c.shape, c.values));
  return {};
}

Result<void> conv_integer(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const Tensor& w = *HZ_TRY(call.tensor(1));
  const auto out =
      HZ_TRY(convolve(call, HZ_TRY(centred(call, 0, 2, 1)), x.shape, HZ_TRY(centred(call, 1, 3, 0)), w.shape));
  call.give(0, store(Dtype::int32, out.shape, out.values));
  return {};
}

// Inputs: a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero (and a bias for the convolution).
Result<void> requantize(Call& call, const Shape& shape, std::vector<double>& v, std::int64_t b_axis) {
  const Tensor& y_zero = *HZ_TRY(call.tensor(7));
  const Range range = HZ_TRY(range_of(call, y_zero.dtype));
  const double a = HZ_TRY(call.real(1)), y = HZ_TRY(call.real(6)), zero = HZ_TRY(call.real(7));
  const Steps b = HZ_TRY(steps(call, *HZ_TRY(call.tensor(4)), shape, b_axis));
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = std::nearbyint(v[i] * a * b.at(i) / y) + zero;
  call.give(0, rounded(y_zero.dtype, shape, v, range));
  return {};
}

Result<void> qlinear_matmul(Call& call) {
  const Tensor& a = *HZ_TRY(call.tensor(0));
  const Tensor& b = *HZ_TRY(call.tensor(3));
  auto c = HZ_TRY(
      matrix_product<double>(call, HZ_TRY(centred(call, 0, 2, -2)), a.shape, HZ_TRY(centred(call, 3, 5, -1)), b.shape));
  return requantize(call, c.shape, c.values, -1);
}

Result<void> qlinear_conv(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const Tensor& w = *HZ_TRY(call.tensor(3));
  auto out = HZ_TRY(convolve(call, HZ_TRY(centred(call, 0, 2, 1)), x.shape, HZ_TRY(centred(call, 3, 5, 0)), w.shape));
  if (call.has(8)) {
    const auto bias = HZ_TRY(call.integers(8));
    const Split3 s = split3(out.shape, 1);
    if (bias.size() != s.middle) return call.invalid("{} biases", bias.size());
    for (std::size_t i = 0; i < out.values.size(); ++i)
      out.values[i] += static_cast<double>(bias[i / s.inner % s.middle]);
  }
  return requantize(call, out.shape, out.values, 1);
}

constexpr OpRow rows[] = {
    {"QuantizeLinear", quantize, 10},
    {"DequantizeLinear", dequantize, 10},
    {"DynamicQuantizeLinear", dynamic_quantize, 11},
    {"MatMulInteger", matmul_integer, 10},
    {"ConvInteger", conv_integer, 10},
    {"QLinearMatMul", qlinear_matmul, 10},
    {"QLinearConv", qlinear_conv, 10},
};

}  // namespace

std::span<const OpRow> quantize_ops() { return rows; }

}  // namespace hz::refrt
