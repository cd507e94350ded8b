// Convolutions.
//
// The definition is a sum over the kernel for every output. Read that way, the inner loop jumps through the input. So
// what each tap of the kernel sees of a channel is laid out as one row, padding as zeros; then a convolution is a
// matrix product, whose inner loop runs along memory. Adding one scaled, shifted image after the other to the output
// plane needs no rows, but on small images it spent nine tenths of its time on the limits of the shifts (a third of it
// dividing).
#include "refrt/conv.h"

#include <algorithm>

#include "refrt/matmul.h"
#include "refrt/operators.h"
#include "refrt/shape.h"
#include "refrt/wide.h"

namespace hz::refrt {

namespace {

Result<void> check_kernel(const Call& call, const Shape& w) {
  const auto kernel = call.ints_of("kernel_shape");
  if (!kernel.empty() && !std::equal(kernel.begin(), kernel.end(), w.begin() + 2, w.end()))
    return call.invalid("kernel_shape contradicts the weights");
  return {};
}

// What tap (a, b, d) sees of outputs [begin, begin + width), copied into a row of that width. Looks at the lines of
// those outputs only: going through all of a tap's lines for each few outputs would be work that nobody charged.
void lay_out(const Window& win, std::int64_t a, std::int64_t b, std::int64_t d, const double* from, std::int64_t begin,
             std::int64_t width, double* row) {
  const Reach r0 = reach(win, 0, a), r1 = reach(win, 1, b), r2 = reach(win, 2, d);
  const std::int64_t line_size = win.out[2], step = win.stride[2];
  for (std::int64_t line = begin / line_size; line * line_size < begin + width; ++line) {
    const std::int64_t i = line / win.out[1], j = line % win.out[1];
    if (i < r0.begin || i >= r0.end || j < r1.begin || j >= r1.end) continue;
    const std::int64_t first = std::max(r2.begin, begin - line * line_size);
    const std::int64_t last = std::min(r2.end, begin + width - line * line_size);
    const std::int64_t source =
        ((i * win.stride[0] + r0.offset) * win.in[1] + j * win.stride[1] + r1.offset) * win.in[2] + r2.offset;
    const std::int64_t to = line * line_size - begin;
    for (std::int64_t o = first; o < last; ++o) row[to + o] = from[source + o * step];
  }
}

constexpr std::int64_t rows_bytes_wanted = std::int64_t{1} << 20;  // of a cache

}  // namespace

Result<Convolution> convolve(const Call& call, const std::vector<double>& x, const Shape& xs,
                             const std::vector<double>& w, const Shape& ws) {
  const std::int64_t group = call.int_of("group", 1);
  if (xs.size() < 3 || ws.size() != xs.size()) return call.invalid("input and weights must be [N, C, ...]");
  if (group < 1 || ws[0] % group != 0 || group > ws[0] + 1 || ws[1] > (std::int64_t{1} << 30) || xs[1] % group != 0 ||
      xs[1] / group != ws[1])
    return call.invalid("group {}", group);
  HZ_TRY(check_kernel(call, ws));
  const Window win = HZ_TRY(read_window(call, xs, std::span(ws).subspan(2)));
  Convolution out{.shape = win.out_shape(xs[0], ws[0]), .values = {}};
  const std::size_t count = HZ_TRY(call.admit(out.shape));
  HZ_TRY(call.work(static_cast<double>(count) * static_cast<double>(ws[1]) * static_cast<double>(win.taps())));
  out.values.assign(count, 0);
  if (count == 0) return out;
  const std::int64_t in_size = win.in_size(), out_size = win.out_size(), per_group = ws[0] / group;
  const std::int64_t taps = win.taps(), depth = ws[1] * taps;
  // As many outputs at a time as keep the rows in a cache, but enough for the inner loop.
  const std::int64_t width_max =
      std::min(out_size, std::max<std::int64_t>(16, rows_bytes_wanted / (std::max<std::int64_t>(1, depth) * 8)));
  std::vector<double> rows(HZ_TRY(call.admit({depth, width_max})));
  for (std::int64_t n = 0; n < xs[0]; ++n)
    for (std::int64_t g = 0; g < group; ++g) {
      const double* from = x.data() + (n * xs[1] + g * ws[1]) * in_size;
      double* to = out.values.data() + (n * ws[0] + g * per_group) * out_size;
      for (std::int64_t begin = 0; begin < out_size; begin += width_max) {
        const std::int64_t width = std::min(width_max, out_size - begin);
        rows.assign(static_cast<std::size_t>(depth * width), 0);
        double* row = rows.data();
        for (std::int64_t c = 0; c < ws[1]; ++c)
          for (std::int64_t a = 0; a < win.kernel[0]; ++a)
            for (std::int64_t b = 0; b < win.kernel[1]; ++b)
              for (std::int64_t d = 0; d < win.kernel[2]; ++d, row += width)
                lay_out(win, a, b, d, from + c * in_size, begin, width, row);
        multiply_add(w.data() + g * per_group * depth, rows.data(), to + begin, per_group, depth, width, out_size);
      }
    }
  return out;
}

namespace {

Result<void> add_bias(const Call& call, const Tensor* bias, const Shape& shape, std::vector<double>& values) {
  if (!bias) return {};
  const auto b = HZ_TRY(reals(call, *bias));
  const Split3 s = split3(shape, 1);
  if (b.size() != s.middle) return call.invalid("{} biases for {} channels", b.size(), s.middle);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] += b[i / s.inner % s.middle];
  return {};
}

Result<void> conv(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const Tensor& w = *HZ_TRY(call.tensor(1));
  if (x.dtype != w.dtype) return call.invalid("operands differ in element type");
  auto out = HZ_TRY(convolve(call, HZ_TRY(reals(call, x)), x.shape, HZ_TRY(reals(call, w)), w.shape));
  HZ_TRY(add_bias(call, call.find(2), out.shape, out.values));
  call.give(0, store(x.dtype, out.shape, out.values));
  return {};
}

// The adjoint: every input element adds a scaled kernel to the output. With input and output exchanged the window is
// that of a convolution, so the same taps serve.
Result<void> conv_transpose(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const Tensor& w = *HZ_TRY(call.tensor(1));
  const Shape &xs = x.shape, &ws = w.shape;
  const std::int64_t group = call.int_of("group", 1);
  if (x.dtype != w.dtype) return call.invalid("operands differ in element type");
  if (xs.size() < 3 || ws.size() != xs.size() || ws[0] != xs[1])
    return call.invalid("input and weights must be [N, C, ...]");
  if (group < 1 || group > xs[1] || xs[1] % group != 0 || ws[1] > (std::int64_t{1} << 30))
    return call.invalid("group {}", group);
  HZ_TRY(check_kernel(call, ws));
  Window win = HZ_TRY(read_window_attributes(call, xs, std::span(ws).subspan(2)));
  const auto extra = call.ints_of("output_padding"), wanted = call.ints_of("output_shape");
  const std::string mode = call.string_of("auto_pad", "NOTSET");
  const std::size_t skip = 3 - win.rank;
  // From here on `in` is the large side (the result) and `out` the small one (the input).
  win.out = win.in;
  for (std::size_t i = 0; i < win.rank; ++i) {
    const std::size_t a = skip + i;
    const std::int64_t add = i < extra.size() ? extra[i] : 0;
    if (add < 0 || add > (1 << 30)) return call.invalid("output_padding {}", add);
    const std::int64_t full = win.stride[a] * (win.out[a] - 1) + add + win.span(a);
    if (!wanted.empty() || mode == "SAME_UPPER" || mode == "SAME_LOWER") {
      if (!wanted.empty() && wanted.size() < win.rank)
        return call.invalid("output_shape has {} numbers", wanted.size());
      win.in[a] = wanted.empty() ? win.out[a] * win.stride[a] : wanted[wanted.size() - win.rank + i];
      if (win.in[a] < 1 || win.in[a] > (std::int64_t{1} << 40)) return call.invalid("output size {}", win.in[a]);
      const std::int64_t pad = std::max<std::int64_t>(0, full - win.in[a]);
      win.before[a] = mode == "SAME_UPPER" ? pad / 2 : pad - pad / 2;
    } else {
      if (mode == "VALID") win.before[a] = win.after[a] = 0;
      win.in[a] = full - win.before[a] - win.after[a];
    }
  }
  const std::int64_t per_group = ws[1], channels = per_group * group;
  Shape shape{xs[0], channels};
  shape.insert(shape.end(), win.in.begin() + static_cast<std::ptrdiff_t>(skip), win.in.end());
  std::vector<double> values(HZ_TRY(call.admit(shape)));
  HZ_TRY(call.work(static_cast<double>(x.count()) * static_cast<double>(per_group) * static_cast<double>(win.taps())));
  const auto vx = HZ_TRY(reals(call, x)), vw = HZ_TRY(reals(call, w));
  const std::int64_t large = win.in_size(), small = win.out_size();
  if (small != 0 && large != 0)
    for (std::int64_t n = 0; n < xs[0]; ++n)
      for (std::int64_t c = 0; c < xs[1]; ++c) {
        const double* from = vx.data() + (n * xs[1] + c) * small;
        const double* factor = vw.data() + c * per_group * win.taps();
        for (std::int64_t m = 0; m < per_group; ++m) {
          double* to = values.data() + (n * channels + c / (xs[1] / group) * per_group + m) * large;
          for (std::int64_t a = 0; a < win.kernel[0]; ++a)
            for (std::int64_t b = 0; b < win.kernel[1]; ++b)
              for (std::int64_t d = 0; d < win.kernel[2]; ++d) {
                const double f = *factor++;
                for_tap(win, a, b, d, [&](std::int64_t in, std::int64_t o, std::int64_t n_run, std::int64_t step) {
                  for (std::int64_t i = 0; i < n_run; ++i) to[in + i * step] += f * from[o + i];
                });
              }
        }
      }
  HZ_TRY(add_bias(call, call.find(2), shape, values));
  call.give(0, store(x.dtype, shape, values));
  return {};
}

constexpr OpRow rows[] = {
    {"Conv", conv},
    {"ConvTranspose", conv_transpose},
};

}  // namespace

std::span<const OpRow> conv_ops() { return rows; }

}  // namespace hz::refrt
