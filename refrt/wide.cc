#include "refrt/wide.h"

#include <bit>
#include <cmath>
#include <limits>

namespace hz::refrt {

float half_to_float(std::uint16_t bits) {
  const std::uint32_t sign = std::uint32_t{bits & 0x8000u} << 16;
  const std::uint32_t exponent = (bits >> 10) & 31, mantissa = bits & 0x3ffu;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | mantissa << 13);
  if (exponent != 0) return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
  const float tiny = std::ldexp(static_cast<float>(mantissa), -24);
  return sign ? -tiny : tiny;
}

std::uint16_t float_to_half(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000u, magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<std::uint16_t>(sign | 0x7e00u);
  if (magnitude >= 0x477ff000u) return static_cast<std::uint16_t>(sign | 0x7c00u);  // 65520 and above
  if (magnitude < 0x38800000u)                                                      // subnormal: units of 2^-24
    return static_cast<std::uint16_t>(sign |
                                      static_cast<std::uint32_t>(std::nearbyint(std::ldexp(std::fabs(value), 24))));
  const std::uint32_t odd = (magnitude >> 13) & 1;
  return static_cast<std::uint16_t>(sign | ((magnitude - 0x38000000u + 0xfffu + odd) >> 13));
}

float bfloat_to_float(std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t{bits} << 16); }

std::uint16_t float_to_bfloat(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return 0x7fc0;
  return static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1)) >> 16);
}

namespace {

struct Half {
  std::uint16_t bits;
};
struct Bfloat {
  std::uint16_t bits;
};
struct Bool {
  std::uint8_t bits;
};

template <class W, class V>
W convert(V value) {
  if constexpr (std::is_integral_v<W> && std::is_floating_point_v<V>) {
    if (std::isnan(value)) return 0;
    // The limits as V may round up to one past the last integer, so compare with >=.
    if (value >= static_cast<V>(std::numeric_limits<W>::max())) return std::numeric_limits<W>::max();
    if (value <= static_cast<V>(std::numeric_limits<W>::min())) return std::numeric_limits<W>::min();
  }
  return static_cast<W>(value);
}

template <class W, class T>
W widen(T v) {
  if constexpr (std::is_same_v<T, Half>)
    return convert<W>(half_to_float(v.bits));
  else if constexpr (std::is_same_v<T, Bfloat>)
    return convert<W>(bfloat_to_float(v.bits));
  else if constexpr (std::is_same_v<T, Bool>)
    return static_cast<W>(v.bits != 0);
  else
    return convert<W>(v);
}
template <class T, class W>
T narrow(W v) {
  if constexpr (std::is_same_v<T, Half>)
    return {float_to_half(static_cast<float>(v))};
  else if constexpr (std::is_same_v<T, Bfloat>)
    return {float_to_bfloat(static_cast<float>(v))};
  else if constexpr (std::is_same_v<T, Bool>)
    return {static_cast<std::uint8_t>(v != W{0})};
  else
    return convert<T>(v);
}

// f(T{}) with the element's stored type; nothing for strings and complex numbers.
template <class F>
void by_element(Dtype dtype, F&& f) {
  switch (dtype) {
    case Dtype::float32:
      return f(float{});
    case Dtype::float64:
      return f(double{});
    case Dtype::float16:
      return f(Half{});
    case Dtype::bfloat16:
      return f(Bfloat{});
    case Dtype::boolean:
      return f(Bool{});
    case Dtype::int8:
      return f(std::int8_t{});
    case Dtype::int16:
      return f(std::int16_t{});
    case Dtype::int32:
      return f(std::int32_t{});
    case Dtype::int64:
      return f(std::int64_t{});
    case Dtype::uint8:
      return f(std::uint8_t{});
    case Dtype::uint16:
      return f(std::uint16_t{});
    case Dtype::uint32:
      return f(std::uint32_t{});
    case Dtype::uint64:
      return f(std::uint64_t{});
    default:
      return;
  }
}

}  // namespace

template <class W>
std::vector<W> load(const Tensor& t) {
  std::vector<W> out;
  by_element(t.dtype, [&](auto tag) {
    const auto in = view<decltype(tag)>(t);
    out.resize(in.size());
    for (std::size_t i = 0; i < in.size(); ++i) out[i] = widen<W>(in[i]);
  });
  return out;
}
template std::vector<double> load(const Tensor&);
template std::vector<std::int64_t> load(const Tensor&);
template std::vector<std::uint64_t> load(const Tensor&);

template <class W>
Tensor store(Dtype dtype, Shape shape, std::span<const W> values) {
  Tensor out;
  out.dtype = dtype;
  out.shape = std::move(shape);
  out.data.resize(values.size() * onnx::dtype_size(dtype));
  by_element(dtype, [&](auto tag) {
    using T = decltype(tag);
    const auto to = edit<T>(out);
    for (std::size_t i = 0; i < to.size(); ++i) to[i] = narrow<T>(values[i]);
  });
  return out;
}
template Tensor store(Dtype, Shape, std::span<const double>);
template Tensor store(Dtype, Shape, std::span<const std::int64_t>);
template Tensor store(Dtype, Shape, std::span<const std::uint64_t>);

Tensor zeros(Dtype dtype, Shape shape) {
  Tensor out;
  out.dtype = dtype;
  out.shape = std::move(shape);
  if (dtype == Dtype::string)
    out.strings.resize(out.count());
  else
    out.data.resize(out.count() * onnx::dtype_size(dtype));
  return out;
}

Result<std::vector<double>> reals(const Call& call, const Tensor& t) {
  if (!is_real(t.dtype)) return call.bad_dtype(t.dtype);
  return load<double>(t);
}

void copy_elements(Tensor& to, std::size_t to_at, const Tensor& from, std::size_t from_at, std::size_t count) {
  if (to.dtype == Dtype::string) {
    for (std::size_t i = 0; i < count; ++i) to.strings[to_at + i] = from.strings[from_at + i];
    return;
  }
  const std::size_t size = onnx::dtype_size(to.dtype);
  if (count != 0) std::memcpy(to.data.data() + to_at * size, from.data.data() + from_at * size, count * size);
}

namespace {
template <class T>
void pick_as(Tensor& out, const Tensor& x, std::span<const std::int64_t> index, const Tensor* fill) {
  const auto to = edit<T>(out);
  const auto from = view<T>(x);
  const T other = fill && !fill->data.empty() ? view<T>(*fill)[0] : T{};
  for (std::size_t i = 0; i < index.size(); ++i)
    to[i] = index[i] < 0 ? other : from[static_cast<std::size_t>(index[i])];
}
}  // namespace

Tensor pick(const Tensor& x, Shape shape, std::span<const std::int64_t> index, const Tensor* fill) {
  Tensor out = zeros(x.dtype, std::move(shape));
  switch (onnx::dtype_size(x.dtype)) {
    case 1:
      pick_as<std::uint8_t>(out, x, index, fill);
      break;
    case 2:
      pick_as<std::uint16_t>(out, x, index, fill);
      break;
    case 4:
      pick_as<std::uint32_t>(out, x, index, fill);
      break;
    case 8:
      pick_as<std::uint64_t>(out, x, index, fill);
      break;
    case 16:
      pick_as<std::array<std::uint64_t, 2>>(out, x, index, fill);
      break;
    default:
      for (std::size_t i = 0; i < index.size(); ++i)
        if (index[i] >= 0)
          out.strings[i] = x.strings[static_cast<std::size_t>(index[i])];
        else if (fill && !fill->strings.empty())
          out.strings[i] = fill->strings[0];
  }
  return out;
}

}  // namespace hz::refrt
