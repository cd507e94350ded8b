// Two or more operands of one element type, broadcast against each other.
#include <cmath>

#include "refrt/operators.h"
#include "refrt/shape.h"
#include "refrt/wide.h"

namespace hz::refrt {

namespace {

// Before opset 7 the second operand was aligned by hand: it starts at dimension `axis` of the first.
Result<Shape> aligned(const Call& call, const Tensor& a, const Tensor& b) {
  if (call.opset >= 7 || call.int_of("broadcast", 0) == 0 || !call.given("axis")) return b.shape;
  const std::size_t axis = HZ_TRY(call.axis(call.int_of("axis", 0), std::max<std::size_t>(a.shape.size(), 1)));
  Shape out = b.shape;
  while (axis + out.size() < a.shape.size()) out.push_back(1);
  return out;
}

// f over every pair of broadcast elements.
template <class R, class W, class F>
std::vector<R> zip(const Shape& out, const std::vector<W>& a, const Shape& a_shape, const std::vector<W>& b,
                   const Shape& b_shape, F f) {
  std::vector<R> result(static_cast<std::size_t>(product(out)));
  std::size_t to = 0;
  walk<2>(out, {broadcast_strides(a_shape, out), broadcast_strides(b_shape, out)},
          [&](const auto& at, std::int64_t n, const auto& step) {
            const W* pa = a.data() + at[0];
            const W* pb = b.data() + at[1];
            for (std::int64_t i = 0; i < n; ++i) result[to++] = f(pa[i * step[0]], pb[i * step[1]]);
          });
  return result;
}

struct Pair {
  const Tensor& a;
  const Tensor& b;
  Shape b_shape, out;
};
Result<Pair> operands(Call& call, bool same_dtype = true) {
  const Tensor& a = *HZ_TRY(call.tensor(0));
  const Tensor& b = *HZ_TRY(call.tensor(1));
  if (same_dtype && a.dtype != b.dtype) return call.invalid("operands differ in element type");
  Shape b_shape = HZ_TRY(aligned(call, a, b));
  Shape out = HZ_TRY(broadcast(call, a.shape, b_shape));
  HZ_TRY(call.admit(out));
  return Pair{a, b, std::move(b_shape), std::move(out)};
}

// Integer arithmetic wraps, as in every implementation; in C++ only unsigned numbers may.
template <class W>
W wrap(std::uint64_t v) {
  return static_cast<W>(v);
}
struct Add {
  template <class W>
  W operator()(W a, W b) const {
    if constexpr (std::is_floating_point_v<W>)
      return a + b;
    else
      return wrap<W>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
  }
};
struct Sub {
  template <class W>
  W operator()(W a, W b) const {
    if constexpr (std::is_floating_point_v<W>)
      return a - b;
    else
      return wrap<W>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
  }
};
struct Mul {
  template <class W>
  W operator()(W a, W b) const {
    if constexpr (std::is_floating_point_v<W>)
      return a * b;
    else
      return wrap<W>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
  }
};
struct Div {  // integers truncate; the caller has refused a zero divisor
  template <class W>
  W operator()(W a, W b) const {
    if constexpr (std::is_same_v<W, std::int64_t>)
      return b == -1 ? wrap<W>(0 - static_cast<std::uint64_t>(a)) : a / b;
    else
      return a / b;
  }
};
struct Mod {  // the sign of the divisor, as in Python
  template <class W>
  W operator()(W a, W b) const {
    if constexpr (std::is_floating_point_v<W>) {
      const W r = std::fmod(a, b);
      return r != 0 && (r < 0) != (b < 0) ? r + b : r;
    } else if constexpr (std::is_same_v<W, std::int64_t>) {
      if (b == -1) return 0;
      const W r = a % b;
      return r != 0 && (r < 0) != (b < 0) ? r + b : r;
    } else {
      return a % b;
    }
  }
};
struct Fmod {  // the sign of the dividend, as in C
  template <class W>
  W operator()(W a, W b) const {
    if constexpr (std::is_floating_point_v<W>)
      return std::fmod(a, b);
    else if constexpr (std::is_same_v<W, std::int64_t>)
      return b == -1 ? 0 : a % b;
    else
      return a % b;
  }
};
struct Max {
  template <class W>
  W operator()(W a, W b) const {
    return a > b || a != a ? a : b;
  }
};
struct Min {
  template <class W>
  W operator()(W a, W b) const {
    return a < b || a != a ? a : b;
  }
};

template <class F>
Result<void> arithmetic(Call& call) {
  const Pair p = HZ_TRY(operands(call));
  if (p.a.dtype == Dtype::boolean) return call.bad_dtype(p.a.dtype);
  return by_wide(call, p.a.dtype, [&](auto w) -> Result<void> {
    using W = decltype(w);
    const auto a = load<W>(p.a), b = load<W>(p.b);
    if constexpr (!std::is_floating_point_v<W> &&
                  (std::is_same_v<F, Div> || std::is_same_v<F, Mod> || std::is_same_v<F, Fmod>))
      for (const W v : b)
        if (v == 0) return call.invalid("division by zero");
    call.give(0, store(p.a.dtype, p.out, zip<W>(p.out, a, p.a.shape, b, p.b_shape, F{})));
    return {};
  });
}

Result<void> mod(Call& call) { return call.int_of("fmod", 0) != 0 ? arithmetic<Fmod>(call) : arithmetic<Mod>(call); }

// The result has the base's type; the exponent may have another.
Result<void> power(Call& call) {
  const Pair p = HZ_TRY(operands(call, false));
  if (is_integer(p.a.dtype) && is_integer(p.b.dtype)) {
    const auto a = load<std::int64_t>(p.a), b = load<std::int64_t>(p.b);
    const auto f = [](std::int64_t base, std::int64_t exponent) -> std::int64_t {
      if (exponent < 0) return base == 1 ? 1 : base == -1 ? (exponent % 2 == 0 ? 1 : -1) : 0;
      std::uint64_t out = 1, square = static_cast<std::uint64_t>(base);
      for (; exponent > 0; exponent >>= 1, square *= square)
        if (exponent & 1) out *= square;
      return static_cast<std::int64_t>(out);
    };
    call.give(0, store(p.a.dtype, p.out, zip<std::int64_t>(p.out, a, p.a.shape, b, p.b_shape, f)));
    return {};
  }
  for (const Tensor* t : {&p.a, &p.b})
    if (!is_real(t->dtype) && !is_integer(t->dtype)) return call.bad_dtype(t->dtype);
  const auto f = [](double base, double exponent) { return exponent == 2 ? base * base : std::pow(base, exponent); };
  call.give(0,
            store(p.a.dtype, p.out, zip<double>(p.out, load<double>(p.a), p.a.shape, load<double>(p.b), p.b_shape, f)));
  return {};
}

Result<void> prelu(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const Tensor& slope = *HZ_TRY(call.tensor(1));
  if (x.dtype != slope.dtype) return call.invalid("operands differ in element type");
  // Before opset 7 a one-dimensional slope meant one per channel.
  Shape s = slope.shape;
  if (call.opset < 7 && s.size() == 1 && x.shape.size() > 1 && s[0] != 1) s.resize(x.shape.size() - 1, 1);
  if (HZ_TRY(broadcast(call, x.shape, s)) != x.shape) return call.invalid("slope does not fit the input");
  HZ_TRY(call.admit(x.shape));
  return by_wide(call, x.dtype, [&](auto w) -> Result<void> {
    using W = decltype(w);
    const auto f = [](W a, W b) { return a < W{0} ? Mul{}(a, b) : a; };
    call.give(0, store(x.dtype, x.shape, zip<W>(x.shape, load<W>(x), x.shape, load<W>(slope), s, f)));
    return {};
  });
}

// Folds any number of operands (Max, Min, Sum, Mean).
template <class F, bool mean = false>
Result<void> variadic(Call& call) {
  const Tensor& first = *HZ_TRY(call.tensor(0));
  Shape out = first.shape;
  for (std::size_t i = 1; i < call.inputs.size(); ++i) {
    const Tensor& t = *HZ_TRY(call.tensor(i));
    if (t.dtype != first.dtype) return call.invalid("operands differ in element type");
    out = HZ_TRY(broadcast(call, out, t.shape));
  }
  HZ_TRY(call.admit(out));
  HZ_TRY(call.work(static_cast<double>(product(out)) * static_cast<double>(call.inputs.size())));
  return by_wide(call, first.dtype, [&](auto w) -> Result<void> {
    using W = decltype(w);
    std::vector<W> sum = load<W>(first);
    Shape shape = first.shape;
    for (std::size_t i = 1; i < call.inputs.size(); ++i) {
      const Tensor& t = *call.find(i);
      const Shape wider = HZ_TRY(broadcast(call, shape, t.shape));
      sum = zip<W>(wider, sum, shape, load<W>(t), t.shape, F{});
      shape = wider;
    }
    if (mean)
      for (W& v : sum) v = v / static_cast<W>(call.inputs.size());
    call.give(0, store(first.dtype, shape, sum));
    return {};
  });
}

template <class F>
Result<void> compare(Call& call) {
  const Pair p = HZ_TRY(operands(call));
  return by_wide(call, p.a.dtype, [&](auto w) -> Result<void> {
    using W = decltype(w);
    const auto f = [](W a, W b) -> std::int64_t { return F{}(a, b); };
    call.give(
        0, store(Dtype::boolean, p.out, zip<std::int64_t>(p.out, load<W>(p.a), p.a.shape, load<W>(p.b), p.b_shape, f)));
    return {};
  });
}

struct And {
  std::int64_t operator()(std::int64_t a, std::int64_t b) const { return a & b; }
};
struct Or {
  std::int64_t operator()(std::int64_t a, std::int64_t b) const { return a | b; }
};
struct Xor {
  std::int64_t operator()(std::int64_t a, std::int64_t b) const { return a ^ b; }
};
template <class F, bool logical>
Result<void> bitwise(Call& call) {
  const Pair p = HZ_TRY(operands(call));
  if (logical ? p.a.dtype != Dtype::boolean : !is_integer(p.a.dtype)) return call.bad_dtype(p.a.dtype);
  call.give(
      0, store(p.a.dtype, p.out,
               zip<std::int64_t>(p.out, load<std::int64_t>(p.a), p.a.shape, load<std::int64_t>(p.b), p.b_shape, F{})));
  return {};
}

Result<void> shift(Call& call) {
  const Pair p = HZ_TRY(operands(call));
  const bool left = call.string_of("direction", "") == "LEFT";
  if (!left && call.string_of("direction", "") != "RIGHT") return call.invalid("direction must be LEFT or RIGHT");
  const auto f = [left](std::uint64_t a, std::uint64_t b) { return b > 63 ? 0 : left ? a << b : a >> b; };
  call.give(
      0, store(p.a.dtype, p.out,
               zip<std::uint64_t>(p.out, load<std::uint64_t>(p.a), p.a.shape, load<std::uint64_t>(p.b), p.b_shape, f)));
  return {};
}

Result<void> where(Call& call) {
  const Tensor& condition = *HZ_TRY(call.tensor(0));
  const Tensor& x = *HZ_TRY(call.tensor(1));
  const Tensor& y = *HZ_TRY(call.tensor(2));
  if (condition.dtype != Dtype::boolean || x.dtype != y.dtype)
    return call.invalid("a bool and two equal types are needed");
  const Shape out = HZ_TRY(broadcast(call, HZ_TRY(broadcast(call, condition.shape, x.shape)), y.shape));
  HZ_TRY(call.admit(out));
  Tensor result = zeros(x.dtype, out);
  std::size_t to = 0;
  walk<3>(out,
          {broadcast_strides(condition.shape, out), broadcast_strides(x.shape, out), broadcast_strides(y.shape, out)},
          [&](const auto& at, std::int64_t n, const auto& step) {
            for (std::int64_t i = 0; i < n; ++i, ++to) {
              const bool first = condition.data[static_cast<std::size_t>(at[0] + i * step[0])] != 0;
              const std::size_t k = first ? 1 : 2;
              copy_elements(result, to, first ? x : y, static_cast<std::size_t>(at[k] + i * step[k]), 1);
            }
          });
  call.give(0, std::move(result));
  return {};
}

constexpr OpRow rows[] = {
    {"Add", arithmetic<Add>},
    {"Sub", arithmetic<Sub>},
    {"Mul", arithmetic<Mul>},
    {"Div", arithmetic<Div>},
    {"Mod", mod, 10},
    {"Pow", power},
    {"PRelu", prelu},
    {"Max", variadic<Max>},
    {"Min", variadic<Min>},
    {"Sum", variadic<Add>},
    {"Mean", variadic<Add, true>},
    {"Equal", compare<std::equal_to<>>},
    {"Less", compare<std::less<>>},
    {"LessOrEqual", compare<std::less_equal<>>, 12},
    {"Greater", compare<std::greater<>>},
    {"GreaterOrEqual", compare<std::greater_equal<>>, 12},
    {"And", bitwise<And, true>},
    {"Or", bitwise<Or, true>},
    {"Xor", bitwise<Xor, true>},
    {"BitwiseAnd", bitwise<And, false>, 18},
    {"BitwiseOr", bitwise<Or, false>, 18},
    {"BitwiseXor", bitwise<Xor, false>, 18},
    {"BitShift", shift, 11},
    {"Where", where, 9},
};

}  // namespace

std::span<const OpRow> binary_ops() { return rows; }

}  // namespace hz::refrt
