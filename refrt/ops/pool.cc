// Pools: MaxPool, AveragePool, their global forms, MaxUnpool.
#include <algorithm>
#include <limits>

#include "refrt/operators.h"
#include "refrt/shape.h"
#include "refrt/wide.h"
#include "refrt/window.h"

namespace hz::refrt {

namespace {

template <class F>
void for_taps(const Window& w, F&& f) {
  for (std::int64_t a = 0; a < w.kernel[0]; ++a)
    for (std::int64_t b = 0; b < w.kernel[1]; ++b)
      for (std::int64_t c = 0; c < w.kernel[2]; ++c) for_tap(w, a, b, c, f);
}

Result<void> max_pool(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const Window win = HZ_TRY(read_window(call, x.shape, call.ints_of("kernel_shape"), call.int_of("ceil_mode", 0) != 0));
  const Shape shape = win.out_shape(x.shape[0], x.shape[1]);
  const std::size_t count = HZ_TRY(call.admit(shape));
  HZ_TRY(call.work(static_cast<double>(count) * static_cast<double>(win.taps())));
  const std::int64_t planes = x.shape[0] * x.shape[1], in_size = win.in_size(), out_size = win.out_size();
  const bool by_column = call.int_of("storage_order", 0) != 0;
  return by_wide(call, x.dtype, [&](auto w) -> Result<void> {
    using W = decltype(w);
    const auto v = load<W>(x);
    std::vector<W> best(count, std::numeric_limits<W>::lowest());
    std::vector<std::int64_t> at(count, -1);
    for (std::int64_t p = 0; p < planes && count != 0; ++p)
      for_taps(win, [&](std::int64_t in, std::int64_t out, std::int64_t n, std::int64_t step) {
        for (std::int64_t i = 0; i < n; ++i) {
          const auto o = static_cast<std::size_t>(p * out_size + out + i);
          const std::int64_t from = p * in_size + in + i * step;
          const W value = v[static_cast<std::size_t>(from)];
          if (at[o] < 0 || value > best[o]) best[o] = value, at[o] = from;
        }
      });
    call.give(0, store(x.dtype, shape, best));
    if (by_column)  // the same position with the last two axes exchanged
      for (auto& i : at) {
        if (i < 0) continue;
        const std::int64_t plane = i / in_size, rest = i % in_size, column = rest % win.in[2];
        const std::int64_t row = rest / win.in[2] % win.in[1], slab = rest / (win.in[1] * win.in[2]);
        i = plane * in_size + (column * win.in[1] + row) * win.in[0] + slab;
      }
    call.give(1, store(Dtype::int64, shape, at));
    return {};
  });
}

Result<void> average_pool(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  Window win = HZ_TRY(read_window(call, x.shape, call.ints_of("kernel_shape"), call.int_of("ceil_mode", 0) != 0));
  const Shape shape = win.out_shape(x.shape[0], x.shape[1]);
  std::vector<double> sum(HZ_TRY(call.admit(shape)));
  HZ_TRY(call.work(static_cast<double>(sum.size()) * static_cast<double>(win.taps())));
  const auto v = HZ_TRY(reals(call, x));
  const std::int64_t planes = x.shape[0] * x.shape[1], in_size = win.in_size(), out_size = win.out_size();
  if (sum.empty()) {
    call.give(0, store(x.dtype, shape, sum));
    return {};
  }
  std::vector<double> covered(static_cast<std::size_t>(out_size));
  // How many positions each window covers: those of the input, or those of the padded input too.
  Window counted = win;
  if (call.int_of("count_include_pad", 0) != 0)
    for (std::size_t a = 0; a < 3; ++a)
      counted.in[a] += win.before[a] + win.after[a], counted.before[a] = counted.after[a] = 0;
  for_taps(counted, [&](std::int64_t, std::int64_t out, std::int64_t n, std::int64_t) {
    for (std::int64_t i = 0; i < n; ++i) covered[static_cast<std::size_t>(out + i)] += 1;
  });
  for (std::int64_t p = 0; p < planes; ++p) {
    for_taps(win, [&](std::int64_t in, std::int64_t out, std::int64_t n, std::int64_t step) {
      for (std::int64_t i = 0; i < n; ++i)
        sum[static_cast<std::size_t>(p * out_size + out + i)] +=
            v[static_cast<std::size_t>(p * in_size + in + i * step)];
    });
    for (std::int64_t i = 0; i < out_size; ++i) {
      double& s = sum[static_cast<std::size_t>(p * out_size + i)];
      s = covered[static_cast<std::size_t>(i)] == 0 ? 0 : s / covered[static_cast<std::size_t>(i)];
    }
  }
  call.give(0, store(x.dtype, shape, sum));
  return {};
}

template <bool max>
Result<void> global_pool(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  if (x.shape.size() < 2) return call.invalid("an input [N, C, ...] is needed");
  const auto v = HZ_TRY(reals(call, x));
  Shape shape = x.shape;
  std::fill(shape.begin() + 2, shape.end(), 1);
  std::vector<double> out(HZ_TRY(call.admit(shape)));
  const std::size_t n = split3(x.shape, 2, x.shape.size()).middle;
  if (n == 0) return call.invalid("nothing to pool");
  for (std::size_t p = 0; p < out.size(); ++p) {
    double sum = v[p * n];
    for (std::size_t i = 1; i < n; ++i) sum = max ? std::max(sum, v[p * n + i]) : sum + v[p * n + i];
    out[p] = max ? sum : sum / static_cast<double>(n);
  }
  call.give(0, store(x.dtype, shape, out));
  return {};
}

// Indices count positions of the tensor that the pool read. A larger output_shape keeps those coordinates.
Result<void> max_unpool(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const Tensor& where = *HZ_TRY(call.tensor(1));
  const auto indices = HZ_TRY(call.integers(1));
  const Window win = HZ_TRY(read_window_attributes(call, x.shape, call.ints_of("kernel_shape")));
  if (where.shape != x.shape) return call.invalid("indices and values differ in shape");
  Shape pooled{x.shape[0], x.shape[1]};
  for (std::size_t a = 3 - win.rank; a < 3; ++a)
    pooled.push_back((win.in[a] - 1) * win.stride[a] + win.kernel[a] - win.before[a] - win.after[a]);
  const std::size_t count = HZ_TRY(call.admit(pooled));
  const Shape shape = call.has(2) ? HZ_TRY(call.integers(2)) : pooled;
  if (shape.size() != pooled.size()) return call.invalid("output_shape {}", text(shape));
  Tensor out = zeros(x.dtype, (HZ_TRY(call.admit(shape)), shape));
  const Shape from = strides_of(pooled), to = strides_of(shape);
  for (std::size_t i = 0; i < indices.size(); ++i) {
    if (indices[i] < 0 || indices[i] >= static_cast<std::int64_t>(count)) return call.invalid("index {}", indices[i]);
    std::int64_t at = 0;
    for (std::size_t d = 0; d < shape.size(); ++d) {
      const std::int64_t k = indices[i] / from[d] % pooled[d];
      if (k >= shape[d]) return call.invalid("index {} lies outside {}", indices[i], text(shape));
      at += k * to[d];
    }
    copy_elements(out, static_cast<std::size_t>(at), x, i, 1);
  }
  call.give(0, std::move(out));
  return {};
}

constexpr OpRow rows[] = {
    {"MaxPool", max_pool},
    {"AveragePool", average_pool},
    {"GlobalMaxPool", global_pool<true>},
    {"GlobalAveragePool", global_pool<false>},
    {"MaxUnpool", max_unpool, 9},
};

}  // namespace

std::span<const OpRow> pool_ops() { return rows; }

}  // namespace hz::refrt
