// Three wide types carry all arithmetic: double for real numbers, int64 for integers and bool, uint64 for uint64.
//
// A kernel loads its operands into wide vectors, computes there, and stores back with one rounding. The simpler idea,
// one template instance per element type, made every operator twelve loops and float16 a special case in each of them.
#pragma once
#include "refrt/call.h"

namespace hz::refrt {

// Elements converted to W (double, std::int64_t or std::uint64_t). Real to integer truncates and saturates; NaN gives
// 0. The tensor must not be of strings or complex numbers: those give an empty list.
template <class W>
std::vector<W> load(const Tensor& t);

// The reverse: rounds to nearest even for reals, wraps for integers; for bool everything but 0 is true.
template <class W>
Tensor store(Dtype dtype, Shape shape, std::span<const W> values);
template <class W>
Tensor store(Dtype dtype, Shape shape, const std::vector<W>& values) {
  return store<W>(dtype, std::move(shape), std::span<const W>(values));
}

// A zero-filled tensor (empty strings for strings).
Tensor zeros(Dtype dtype, Shape shape);

// Calls f(W{}) with the wide type of a dtype; refrt.unsupported for strings and complex numbers.
template <class F>
Result<void> by_wide(const Call& call, Dtype dtype, F&& f) {
  if (is_real(dtype)) return f(double{});
  if (dtype == Dtype::uint64) return f(std::uint64_t{});
  if (is_integer(dtype) || dtype == Dtype::boolean) return f(std::int64_t{});
  return call.bad_dtype(dtype);
}
// Loads a real tensor as doubles; refrt.unsupported for any other element type.
Result<std::vector<double>> reals(const Call& call, const Tensor& t);

// Copies `count` elements of any type, strings included.
void copy_elements(Tensor& to, std::size_t to_at, const Tensor& from, std::size_t from_at, std::size_t count);
// The tensor whose element i is x[index[i]], or `fill`'s only element (zero without one) where index[i] < 0.
// All data movement is one of these lists. shape's product must equal index.size().
Tensor pick(const Tensor& x, Shape shape, std::span<const std::int64_t> index, const Tensor* fill = nullptr);

float half_to_float(std::uint16_t bits);
std::uint16_t float_to_half(float value);  // nearest even
float bfloat_to_float(std::uint16_t bits);
std::uint16_t float_to_bfloat(float value);

template <class T>
std::span<const T> view(const Tensor& t) {
  return {reinterpret_cast<const T*>(t.data.data()), t.data.size() / sizeof(T)};
}
template <class T>
std::span<T> edit(Tensor& t) {
  return {reinterpret_cast<T*>(t.data.data()), t.data.size() / sizeof(T)};
}

}  // namespace hz::refrt
