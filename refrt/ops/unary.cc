// One element in, one element out.
#include <cmath>
#include <limits>
#include <numbers>

#include "refrt/activation.h"
#include "refrt/operators.h"
#include "refrt/wide.h"

namespace hz::refrt {

namespace {

constexpr Activation activations[] = {
    {"Relu", [](double x, double, double) { return x > 0 || std::isnan(x) ? x : 0; }},
    {"Tanh", [](double x, double, double) { return std::tanh(x); }},
    {"Sigmoid", [](double x, double, double) { return 1 / (1 + std::exp(-x)); }},
    {"Affine", [](double x, double a, double b) { return a * x + b; }, 1, 0},
    {"LeakyRelu", [](double x, double a, double) { return x < 0 ? a * x : x; }, 0.01, 0},
    {"ThresholdedRelu", [](double x, double a, double) { return x > a ? x : 0; }, 1, 0},
    {"ScaledTanh", [](double x, double a, double b) { return a * std::tanh(b * x); }, 1, 1},
    {"HardSigmoid", [](double x, double a, double b) { return std::fmax(0, std::fmin(1, a * x + b)); }, 0.2, 0.5},
    {"Elu", [](double x, double a, double) { return x < 0 ? a * std::expm1(x) : x; }, 1, 0},
    {"Softsign", [](double x, double, double) { return x / (1 + std::fabs(x)); }},
    {"Softplus",
     [](double x, double, double) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }},
    {"Selu", [](double x, double a, double g) { return g * (x > 0 ? x : a * std::expm1(x)); },
     1.67326319217681884765625, 1.05070102214813232421875},
    {"Celu", [](double x, double a, double) { return std::fmax(0, x) + std::fmin(0, a * std::expm1(x / a)); }, 1, 0},
    {"HardSwish", [](double x, double, double) { return x * std::fmax(0, std::fmin(1, x / 6 + 0.5)); }},
    {"Mish", [](double x, double, double) { return x * std::tanh(x > 30 ? x : std::log1p(std::exp(x))); }},
};

bool same_letters(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (lower(a[i]) != lower(b[i])) return false;
  return true;
}

template <double (*f)(double)>
Result<void> real_unary(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  HZ_TRY(call.admit(x.shape));
  auto values = HZ_TRY(reals(call, x));
  for (double& v : values) v = f(v);
  call.give(0, store(x.dtype, x.shape, values));
  return {};
}

// An activation with its attributes alpha and beta (Selu calls its second one gamma).
Result<void> activate(Call& call) {
  const Activation& a = *find_activation(call.node.op_type);
  const Tensor& x = *HZ_TRY(call.tensor(0));
  HZ_TRY(call.admit(x.shape));
  const double alpha = call.float_of("alpha", a.alpha), beta = call.float_of("beta", call.float_of("gamma", a.beta));
  if (is_integer(x.dtype) && a.name != "Relu") return call.bad_dtype(x.dtype);
  return by_wide(call, x.dtype, [&](auto w) -> Result<void> {
    using W = decltype(w);
    auto values = load<W>(x);
    for (W& v : values) {
      if constexpr (std::is_same_v<W, double>)
        v = a.f(v, alpha, beta);
      else
        v = v > 0 ? v : W{0};
    }
    call.give(0, store(x.dtype, x.shape, values));
    return {};
  });
}

// Operators that integers have too.
struct Abs {
  template <class W>
  W operator()(W x) const {
    if constexpr (std::is_same_v<W, double>)
      return std::fabs(x);
    else if constexpr (std::is_same_v<W, std::int64_t>)
      return x < 0 && x != std::numeric_limits<W>::min() ? -x : x;
    else
      return x;
  }
};
struct Neg {
  template <class W>
  W operator()(W x) const {
    if constexpr (std::is_same_v<W, double>)
      return -x;
    else
      return static_cast<W>(std::uint64_t{0} - static_cast<std::uint64_t>(x));
  }
};
struct Sign {
  template <class W>
  W operator()(W x) const {
    if (x > 0) return W{1};
    if constexpr (!std::is_same_v<W, std::uint64_t>)
      if (x < 0) return static_cast<W>(-1);
    return W{0};
  }
};
template <class F>
Result<void> any_unary(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  HZ_TRY(call.admit(x.shape));
  if (x.dtype == Dtype::boolean) return call.bad_dtype(x.dtype);
  return by_wide(call, x.dtype, [&](auto w) -> Result<void> {
    auto values = load<decltype(w)>(x);
    for (auto& v : values) v = F{}(v);
    call.give(0, store(x.dtype, x.shape, values));
    return {};
  });
}

Result<void> shrink(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  HZ_TRY(call.admit(x.shape));
  const double bias = call.float_of("bias", 0), lambda = call.float_of("lambd", 0.5);
  if (!is_real(x.dtype) && !is_integer(x.dtype)) return call.bad_dtype(x.dtype);
  auto values = load<double>(x);
  for (double& v : values) v = v < -lambda ? v + bias : v > lambda ? v - bias : 0;
  call.give(0, store(x.dtype, x.shape, values));
  return {};
}

template <bool (*f)(double, const Call&)>
Result<void> real_test(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  HZ_TRY(call.admit(x.shape));
  const auto values = HZ_TRY(reals(call, x));
  std::vector<std::int64_t> out(values.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = f(values[i], call);
  call.give(0, store(Dtype::boolean, x.shape, out));
  return {};
}
bool infinite(double x, const Call& call) {
  return std::isinf(x) && call.int_of(x > 0 ? "detect_positive" : "detect_negative", 1) != 0;
}

Result<void> logical_not(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  HZ_TRY(call.admit(x.shape));
  if (x.dtype != Dtype::boolean) return call.bad_dtype(x.dtype);
  auto values = load<std::int64_t>(x);
  for (auto& v : values) v = v == 0;
  call.give(0, store(Dtype::boolean, x.shape, values));
  return {};
}

// Bounds were attributes before opset 11 and are optional scalars since. The lower bound applies first.
Result<void> clip(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  HZ_TRY(call.admit(x.shape));
  for (std::size_t i : {1u, 2u})
    if (const Tensor* bound = call.find(i); bound && bound->count() != 1)
      return call.invalid("a bound must be a scalar");
  return by_wide(call, x.dtype, [&](auto w) -> Result<void> {
    using W = decltype(w);
    W low = std::numeric_limits<W>::lowest(), high = std::numeric_limits<W>::max();
    if constexpr (std::is_same_v<W, double>) {
      low = call.float_of("min", -std::numeric_limits<double>::infinity());
      high = call.float_of("max", std::numeric_limits<double>::infinity());
    }
    if (const Tensor* t = call.find(1); t && !load<W>(*t).empty()) low = load<W>(*t)[0];
    if (const Tensor* t = call.find(2); t && !load<W>(*t).empty()) high = load<W>(*t)[0];
    auto values = load<W>(x);
    for (W& v : values) {
      if (v < low) v = low;
      if (v > high) v = high;
    }
    call.give(0, store(x.dtype, x.shape, values));
    return {};
  });
}

constexpr OpRow rows[] = {
    {"Abs", any_unary<Abs>},
    {"Neg", any_unary<Neg>},
    {"Sign", any_unary<Sign>, 9},
    {"Acos", real_unary<[](double x) { return std::acos(x); }>, 7},
    {"Acosh", real_unary<[](double x) { return std::acosh(x); }>, 9},
    {"Asin", real_unary<[](double x) { return std::asin(x); }>, 7},
    {"Asinh", real_unary<[](double x) { return std::asinh(x); }>, 9},
    {"Atan", real_unary<[](double x) { return std::atan(x); }>, 7},
    {"Atanh", real_unary<[](double x) { return std::atanh(x); }>, 9},
    {"Ceil", real_unary<[](double x) { return std::ceil(x); }>},
    {"Cos", real_unary<[](double x) { return std::cos(x); }>, 7},
    {"Cosh", real_unary<[](double x) { return std::cosh(x); }>, 9},
    {"Erf", real_unary<[](double x) { return std::erf(x); }>, 9},
    {"Exp", real_unary<[](double x) { return std::exp(x); }>},
    {"Floor", real_unary<[](double x) { return std::floor(x); }>},
    {"Log", real_unary<[](double x) { return std::log(x); }>},
    {"Reciprocal", real_unary<[](double x) { return 1 / x; }>},
    {"Round", real_unary<[](double x) { return std::nearbyint(x); }>, 11},
    {"Sin", real_unary<[](double x) { return std::sin(x); }>, 7},
    {"Sinh", real_unary<[](double x) { return std::sinh(x); }>, 9},
    {"Sqrt", real_unary<[](double x) { return std::sqrt(x); }>},
    {"Tan", real_unary<[](double x) { return std::tan(x); }>, 7},
    {"Relu", activate},
    {"Tanh", activate},
    {"Sigmoid", activate},
    {"LeakyRelu", activate},
    {"ThresholdedRelu", activate, 10},
    {"HardSigmoid", activate},
    {"HardSwish", activate, 14},
    {"Elu", activate},
    {"Selu", activate},
    {"Celu", activate, 12},
    {"Softsign", activate},
    {"Softplus", activate},
    {"Mish", activate, 18},
    {"Shrink", shrink, 9},
    {"IsNaN", real_test<[](double x, const Call&) { return std::isnan(x); }>, 9},
    {"IsInf", real_test<infinite>, 10},
    {"Not", logical_not},
    {"Clip", clip},
};

}  // namespace

const Activation* find_activation(std::string_view name) {
  for (const Activation& a : activations)
    if (same_letters(a.name, name)) return &a;
  return nullptr;
}

std::span<const OpRow> unary_ops() { return rows; }

}  // namespace hz::refrt
