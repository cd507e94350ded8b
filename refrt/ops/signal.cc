// Fourier transforms, by their definition: n^2 products are exact enough to judge faster ones.
#include <cmath>
#include <complex>
#include <numbers>

#include "refrt/operators.h"
#include "refrt/shape.h"
#include "refrt/wide.h"

namespace hz::refrt {

namespace {

using Complex = std::complex<double>;

std::vector<Complex> transform(const std::vector<Complex>& x, std::size_t bins, bool inverse) {
  const std::size_t n = x.size();
  std::vector<Complex> turn(n), out(bins);
  for (std::size_t k = 0; k < n; ++k)
    turn[k] = std::polar(1.0, (inverse ? 2 : -2) * std::numbers::pi * static_cast<double>(k) / static_cast<double>(n));
  for (std::size_t k = 0; k < bins; ++k) {
    for (std::size_t t = 0, at = 0; t < n; ++t, at = (at + k) % n) out[k] += x[t] * turn[at];
    if (inverse) out[k] /= static_cast<double>(n);
  }
  return out;
}

// The last axis holds real numbers (size 1) or real and imaginary parts (size 2).
Result<void> dft(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const auto v = HZ_TRY(reals(call, x));
  if (x.shape.size() < 2 || (x.shape.back() != 1 && x.shape.back() != 2))
    return call.invalid("the last axis must hold 1 or 2 parts");
  const std::size_t axis = HZ_TRY(call.axis(call.int_of("axis", 1), x.shape.size()));
  if (axis + 1 == x.shape.size()) return call.invalid("axis {}", axis);
  const bool inverse = call.int_of("inverse", 0) != 0, onesided = call.int_of("onesided", 0) != 0;
  const std::int64_t n = call.has(1) ? HZ_TRY(call.integer(1)) : x.shape[axis];
  if (n < 1 || n > (1 << 26)) return call.invalid("length {}", n);
  Shape shape = x.shape;
  shape[axis] = onesided ? n / 2 + 1 : n;
  shape.back() = 2;
  std::vector<double> out(HZ_TRY(call.admit(shape)));
  const auto bins = static_cast<std::size_t>(shape[axis]), parts = static_cast<std::size_t>(x.shape.back());
  const auto [outer, size, inner_parts] = split3(x.shape, axis);
  const std::size_t inner = inner_parts / parts;
  HZ_TRY(call.work(static_cast<double>(outer * inner) * static_cast<double>(bins) * static_cast<double>(n)));
  for (std::size_t o = 0; o < outer; ++o)
    for (std::size_t i = 0; i < inner; ++i) {
      std::vector<Complex> line(static_cast<std::size_t>(n));
      for (std::size_t t = 0; t < std::min(line.size(), size); ++t) {
        const double* p = v.data() + ((o * size + t) * inner + i) * parts;
        line[t] = {p[0], parts == 2 ? p[1] : 0};
      }
      const auto spectrum = transform(line, bins, inverse);
      for (std::size_t k = 0; k < bins; ++k) {
        out[((o * bins + k) * inner + i) * 2] = spectrum[k].real();
        out[((o * bins + k) * inner + i) * 2 + 1] = spectrum[k].imag();
      }
    }
  call.give(0, store(x.dtype, shape, out));
  return {};
}

Result<void> stft(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const auto v = HZ_TRY(reals(call, x));
  const std::int64_t step = HZ_TRY(call.integer(1));
  if (x.shape.size() != 3 || (x.shape[2] != 1 && x.shape[2] != 2))
    return call.invalid("a signal [N, T, 1 or 2] is needed");
  std::vector<double> window;
  if (call.has(2)) window = HZ_TRY(reals(call, *HZ_TRY(call.tensor(2))));
  const std::int64_t length = call.has(3) ? HZ_TRY(call.integer(3)) : static_cast<std::int64_t>(window.size());
  if (step < 1 || length < 1 || length > x.shape[1] ||
      (!window.empty() && static_cast<std::int64_t>(window.size()) != length))
    return call.invalid("frames of {} every {}", length, step);
  if (window.empty()) window.assign(static_cast<std::size_t>(length), 1);
  const bool onesided = call.int_of("onesided", 1) != 0;
  const std::int64_t frames = (x.shape[1] - length) / step + 1, bins = onesided ? length / 2 + 1 : length;
  const Shape shape{x.shape[0], frames, bins, 2};
  std::vector<double> out(HZ_TRY(call.admit(shape)));
  HZ_TRY(call.work(static_cast<double>(out.size()) * static_cast<double>(length)));
  const auto parts = static_cast<std::size_t>(x.shape[2]);
  std::size_t to = 0;
  for (std::int64_t n = 0; n < x.shape[0]; ++n)
    for (std::int64_t f = 0; f < frames; ++f) {
      std::vector<Complex> line(window.size());
      for (std::size_t t = 0; t < line.size(); ++t) {
        const double* p = v.data() + (static_cast<std::size_t>(n * x.shape[1] + f * step) + t) * parts;
        line[t] = window[t] * Complex(p[0], parts == 2 ? p[1] : 0);
      }
      for (const Complex& c : transform(line, static_cast<std::size_t>(bins), false)) {
        out[to++] = c.real();
        out[to++] = c.imag();
      }
    }
  call.give(0, store(x.dtype, shape, out));
  return {};
}

constexpr OpRow rows[] = {
    {"DFT", dft, 17},
    {"STFT", stft, 17},
};

}  // namespace

std::span<const OpRow> signal_ops() { return rows; }

}  // namespace hz::refrt
