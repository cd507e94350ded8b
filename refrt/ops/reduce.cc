// Reductions along axes: Reduce*, ArgMax, ArgMin, CumSum.
#include <cmath>
#include <limits>

#include "refrt/operators.h"
#include "refrt/shape.h"
#include "refrt/wide.h"

namespace hz::refrt {

namespace {

// What a reduction adds up, and what it makes of the sum over n elements. `shift` is the maximum when wants_max.
struct Plain {
  static constexpr bool wants_max = false;
  template <class W>
  static W first() {
    return W{0};
  }
  template <class W>
  static W each(W v, W) {
    return v;
  }
  template <class W>
  static W join(W a, W b) {
    if constexpr (std::is_floating_point_v<W>)
      return a + b;
    else
      return static_cast<W>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
  }
  template <class W>
  static W last(W sum, W, double) {
    return sum;
  }
};
struct Mean : Plain {
  template <class W>
  static W last(W sum, W, double n) {
    return static_cast<W>(static_cast<double>(sum) / n);
  }
};
template <class W>
W absolute(W v) {
  if constexpr (std::is_floating_point_v<W>)
    return std::fabs(v);
  else
    return v < W{0} ? static_cast<W>(std::uint64_t{0} - static_cast<std::uint64_t>(v)) : v;
}
template <class W>
W times(W a, W b) {
  if constexpr (std::is_floating_point_v<W>)
    return a * b;
  else
    return static_cast<W>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
}
struct L1 : Plain {
  template <class W>
  static W each(W v, W) {
    return absolute(v);
  }
};
struct SumSquare : Plain {
  template <class W>
  static W each(W v, W) {
    return times(v, v);
  }
};
struct L2 : SumSquare {
  template <class W>
  static W last(W sum, W, double) {
    return static_cast<W>(std::sqrt(static_cast<double>(sum)));
  }
};
struct LogSum : Plain {
  template <class W>
  static W last(W sum, W, double) {
    return static_cast<W>(std::log(static_cast<double>(sum)));
  }
};
struct LogSumExp : Plain {
  static constexpr bool wants_max = true;
  template <class W>
  static W each(W v, W max) {
    return static_cast<W>(std::exp(static_cast<double>(v) - static_cast<double>(max)));
  }
  template <class W>
  static W last(W sum, W max, double) {
    return static_cast<W>(std::log(static_cast<double>(sum)) + static_cast<double>(max));
  }
};
struct Prod : Plain {
  template <class W>
  static W first() {
    return W{1};
  }
  template <class W>
  static W join(W a, W b) {
    return times(a, b);
  }
};
struct Max : Plain {
  template <class W>
  static W first() {
    if constexpr (std::is_floating_point_v<W>)
      return -std::numeric_limits<W>::infinity();
    else
      return std::numeric_limits<W>::lowest();
  }
  template <class W>
  static W join(W a, W b) {
    return a > b || a != a ? a : b;
  }
};
struct Min : Plain {
  template <class W>
  static W first() {
    if constexpr (std::is_floating_point_v<W>)
      return std::numeric_limits<W>::infinity();
    else
      return std::numeric_limits<W>::max();
  }
  template <class W>
  static W join(W a, W b) {
    return a < b || a != a ? a : b;
  }
};

template <class R, class W>
void accumulate(const Shape& shape, const Shape& to, const std::vector<W>& x, const std::vector<W>& shift,
                std::vector<W>& sum) {
  walk<2>(shape, {strides_of(shape), to}, [&](const auto& at, std::int64_t n, const auto& step) {
    const W* in = x.data() + at[0];
    if (step[1] == 0) {
      const W max = R::wants_max ? shift[static_cast<std::size_t>(at[1])] : W{0};
      W total = sum[static_cast<std::size_t>(at[1])];
      for (std::int64_t i = 0; i < n; ++i) total = R::join(total, R::each(in[i * step[0]], max));
      sum[static_cast<std::size_t>(at[1])] = total;
      return;
    }
    for (std::int64_t i = 0; i < n; ++i) {
      const auto o = static_cast<std::size_t>(at[1] + i * step[1]);
      sum[o] = R::join(sum[o], R::each(in[i * step[0]], R::wants_max ? shift[o] : W{0}));
    }
  });
}

// Axes became an input for ReduceSum at opset 13 and for the others at 18.
template <class R>
Result<void> reduce(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  auto axes = HZ_TRY(call.integers_or(1, "axes"));
  const bool keep = call.int_of("keepdims", 1) != 0;
  if (axes.empty() && call.int_of("noop_with_empty_axes", 0) != 0) {
    HZ_TRY(call.admit(x.shape));
    call.give(0, x);
    return {};
  }
  auto reduced = HZ_TRY(call.axis_set(axes, x.shape.size()));
  if (axes.empty()) reduced.assign(x.shape.size(), true);
  Shape kept = x.shape, out;
  for (std::size_t d = 0; d < kept.size(); ++d) {
    if (reduced[d]) kept[d] = 1;
    if (!reduced[d] || keep) out.push_back(kept[d]);
  }
  const std::size_t count = HZ_TRY(call.admit(kept));
  HZ_TRY(call.work(static_cast<double>(x.count())));
  Shape to = strides_of(kept);
  for (std::size_t d = 0; d < to.size(); ++d)
    if (reduced[d]) to[d] = 0;
  const double n = count == 0 ? 0 : static_cast<double>(x.count()) / static_cast<double>(count);
  return by_wide(call, x.dtype, [&](auto w) -> Result<void> {
    using W = decltype(w);
    const auto values = load<W>(x);
    std::vector<W> shift, sum(count, R::template first<W>());
    if (R::wants_max) {
      shift.assign(count, Max::first<W>());
      accumulate<Max>(x.shape, to, values, {}, shift);
      // exp(x - inf) would be NaN; an infinite maximum is the answer itself, which log(1) + inf gives.
      if constexpr (std::is_floating_point_v<W>)
        for (W& v : shift)
          if (std::isinf(v) && v < 0) v = 0;
    }
    accumulate<R>(x.shape, to, values, shift, sum);
    for (std::size_t i = 0; i < count; ++i) sum[i] = R::last(sum[i], R::wants_max ? shift[i] : W{0}, n);
    call.give(0, store(x.dtype, out, sum));
    return {};
  });
}

template <bool max>
Result<void> arg(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const std::size_t axis = HZ_TRY(call.axis(call.int_of("axis", 0), x.shape.size()));
  const bool last = call.int_of("select_last_index", 0) != 0;
  const auto [outer, n, inner] = split3(x.shape, axis);
  if (n == 0) return call.invalid("the axis is empty");
  Shape out = x.shape;
  if (call.int_of("keepdims", 1) != 0)
    out[axis] = 1;
  else
    out.erase(out.begin() + static_cast<std::ptrdiff_t>(axis));
  HZ_TRY(call.admit(out));
  HZ_TRY(call.work(static_cast<double>(x.count())));
  return by_wide(call, x.dtype, [&](auto w) -> Result<void> {
    using W = decltype(w);
    const auto v = load<W>(x);
    std::vector<std::int64_t> best(outer * inner);
    for (std::size_t o = 0; o < outer; ++o)
      for (std::size_t i = 0; i < inner; ++i) {
        const W* line = v.data() + o * n * inner + i;
        std::size_t at = 0;
        for (std::size_t k = 1; k < n; ++k) {
          const W a = line[k * inner], b = line[at * inner];
          if (max ? a > b : a < b)
            at = k;
          else if (last && a == b)
            at = k;
        }
        best[o * inner + i] = static_cast<std::int64_t>(at);
      }
    call.give(0, store(Dtype::int64, out, best));
    return {};
  });
}

Result<void> cumulative_sum(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const std::size_t axis = HZ_TRY(call.axis(HZ_TRY(call.integer(1)), x.shape.size()));
  const bool exclusive = call.int_of("exclusive", 0) != 0, reverse = call.int_of("reverse", 0) != 0;
  HZ_TRY(call.admit(x.shape));
  const auto [outer, n, inner] = split3(x.shape, axis);
  return by_wide(call, x.dtype, [&](auto w) -> Result<void> {
    using W = decltype(w);
    auto v = load<W>(x);
    for (std::size_t o = 0; o < outer; ++o)
      for (std::size_t i = 0; i < inner; ++i) {
        W sum{};
        for (std::size_t k = 0; k < n; ++k) {
          W& here = v[(o * n + (reverse ? n - 1 - k : k)) * inner + i];
          const W next = Plain::join(sum, here);
          here = exclusive ? sum : next;
          sum = next;
        }
      }
    call.give(0, store(x.dtype, x.shape, v));
    return {};
  });
}

constexpr OpRow rows[] = {
    {"ReduceSum", reduce<Plain>},
    {"ReduceMean", reduce<Mean>},
    {"ReduceMax", reduce<Max>},
    {"ReduceMin", reduce<Min>},
    {"ReduceProd", reduce<Prod>},
    {"ReduceL1", reduce<L1>},
    {"ReduceL2", reduce<L2>},
    {"ReduceLogSum", reduce<LogSum>},
    {"ReduceLogSumExp", reduce<LogSumExp>},
    {"ReduceSumSquare", reduce<SumSquare>},
    {"ArgMax", arg<true>},
    {"ArgMin", arg<false>},
    {"CumSum", cumulative_sum, 11},
};

}  // namespace

std::span<const OpRow> reduce_ops() { return rows; }

}  // namespace hz::refrt
