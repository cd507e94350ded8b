#include "standards/tolerance.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace hz::standards {
namespace {

using onnx::Dtype;
using onnx::Tensor;
using onnx::Value;

template <class T>
T load(const Bytes& bytes, std::size_t i) {
  T value;
  std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
  return value;
}

std::string indices(std::size_t flat, const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> at(shape.size());
  for (std::size_t d = shape.size(); d-- > 0;) {
    const auto n = static_cast<std::size_t>(std::max<std::int64_t>(shape[d], 1));
    at[d] = static_cast<std::int64_t>(flat % n);
    flat /= n;
  }
  std::string out = "[";
  for (std::size_t d = 0; d < at.size(); ++d) out += fmt::format("{}{}", d ? "," : "", at[d]);
  return out + "]";
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string out = "[";
  for (std::size_t d = 0; d < shape.size(); ++d) out += fmt::format("{}{}", d ? "," : "", shape[d]);
  return out + "]";
}

// Signed-magnitude bit patterns, mapped to a line where neighbours differ by one.
template <class Bits>
std::uint64_t ulp_distance(Bits a, Bits b) {
  constexpr int width = sizeof(Bits) * 8;
  const auto place = [](Bits bits) -> std::int64_t {
    const auto magnitude = static_cast<std::int64_t>(bits & static_cast<Bits>(~(Bits{1} << (width - 1))));
    return (bits >> (width - 1)) != 0 ? -magnitude : magnitude;
  };
  const std::int64_t x = place(a), y = place(b);
  return x > y ? static_cast<std::uint64_t>(x) - static_cast<std::uint64_t>(y)
               : static_cast<std::uint64_t>(y) - static_cast<std::uint64_t>(x);
}

template <class Bits, class ToDouble>
void compare_floats(const Tensor& got, const Tensor& want, Tolerance tolerance, std::size_t count, Comparison& out,
                    ToDouble to_double) {
  double peak = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const double w = std::fabs(to_double(load<Bits>(want.data, i)));
    if (std::isfinite(w)) peak = std::max(peak, w);
  }
  double worst = -1;
  for (std::size_t i = 0; i < count; ++i) {
    const Bits g_bits = load<Bits>(got.data, i), w_bits = load<Bits>(want.data, i);
    if (g_bits == w_bits) continue;
    const double g = to_double(g_bits), w = to_double(w_bits);
    if (g == w || (std::isnan(g) && std::isnan(w))) continue;
    double error = std::numeric_limits<double>::infinity(), excess = error;
    if (std::isfinite(g) && std::isfinite(w)) {
      error = std::fabs(g - w);
      const double allowed = tolerance.rtol * std::fabs(w) + tolerance.c * peak;
      excess = allowed > 0 ? error / allowed : std::numeric_limits<double>::infinity();
    }
    if (excess > 1) ++out.beyond;
    if (excess <= worst) continue;
    worst = excess;
    out.worst.index = i;
    out.worst.error = error;
    out.worst.excess = excess;
    out.worst.peak_relative = peak > 0 ? error / peak : (error > 0 ? std::numeric_limits<double>::infinity() : 0);
    out.worst.ulp = std::isnan(g) || std::isnan(w) ? 0 : ulp_distance(g_bits, w_bits);
    out.worst.got = fmt::format("{:.9g}", g);
    out.worst.want = fmt::format("{:.9g}", w);
  }
  if (worst < 0) return;  // only signs of zero or NaN patterns differ: the same values
  out.match = out.beyond > 0 ? Match::different : Match::within;
}

template <class T>
void compare_exact(const Tensor& got, const Tensor& want, std::size_t count, Comparison& out) {
  for (std::size_t i = 0; i < count; ++i) {
    const T g = load<T>(got.data, i), w = load<T>(want.data, i);
    if (g == w) continue;
    const double error = std::fabs(static_cast<double>(g) - static_cast<double>(w));
    if (out.beyond++ > 0 && error <= out.worst.error) continue;
    out.match = Match::different;
    out.worst.index = i;
    out.worst.error = error;
    out.worst.excess = std::numeric_limits<double>::infinity();
    out.worst.got = fmt::format("{}", +g);
    out.worst.want = fmt::format("{}", +w);
  }
}

void compare_strings(const Tensor& got, const Tensor& want, Comparison& out) {
  const std::size_t count = std::min(got.strings.size(), want.strings.size());
  for (std::size_t i = 0; i < count; ++i) {
    if (got.strings[i] == want.strings[i]) continue;
    if (out.beyond++ > 0) continue;
    out.match = Match::different;
    out.worst.index = i;
    out.worst.excess = std::numeric_limits<double>::infinity();
    json::append_quoted(out.worst.got, got.strings[i].substr(0, 64));
    json::append_quoted(out.worst.want, want.strings[i].substr(0, 64));
  }
}

void compare_values(const Tensor& got, const Tensor& want, Scope scope, Comparison& out) {
  const std::size_t count = want.count();
  const Tolerance t = tolerance_of(want.dtype, scope);
  switch (want.dtype) {
    case Dtype::float32:
      return compare_floats<std::uint32_t>(got, want, t, count, out,
                                           [](std::uint32_t b) { return double{std::bit_cast<float>(b)}; });
    case Dtype::complex64:
      return compare_floats<std::uint32_t>(got, want, t, 2 * count, out,
                                           [](std::uint32_t b) { return double{std::bit_cast<float>(b)}; });
    case Dtype::float64:
      return compare_floats<std::uint64_t>(got, want, t, count, out,
                                           [](std::uint64_t b) { return std::bit_cast<double>(b); });
    case Dtype::complex128:
      return compare_floats<std::uint64_t>(got, want, t, 2 * count, out,
                                           [](std::uint64_t b) { return std::bit_cast<double>(b); });
    case Dtype::float16:
      return compare_floats<std::uint16_t>(got, want, t, count, out,
                                           [](std::uint16_t b) { return double{from_float16(b)}; });
    case Dtype::bfloat16:
      return compare_floats<std::uint16_t>(got, want, t, count, out,
                                           [](std::uint16_t b) { return double{from_bfloat16(b)}; });
    case Dtype::boolean:
    case Dtype::uint8:
      return compare_exact<std::uint8_t>(got, want, count, out);
    case Dtype::int8:
      return compare_exact<std::int8_t>(got, want, count, out);
    case Dtype::uint16:
      return compare_exact<std::uint16_t>(got, want, count, out);
    case Dtype::int16:
      return compare_exact<std::int16_t>(got, want, count, out);
    case Dtype::uint32:
      return compare_exact<std::uint32_t>(got, want, count, out);
    case Dtype::int32:
      return compare_exact<std::int32_t>(got, want, count, out);
    case Dtype::uint64:
      return compare_exact<std::uint64_t>(got, want, count, out);
    case Dtype::int64:
      return compare_exact<std::int64_t>(got, want, count, out);
    case Dtype::string:
      return compare_strings(got, want, out);
    case Dtype::undefined:
      return;
  }
}

Comparison different(Difference what, std::string text) {
  Comparison out;
  out.match = Match::different;
  out.difference = what;
  out.text = std::move(text);
  return out;
}

// nullopt when the forms agree.
std::optional<Comparison> form(const Tensor& got, const Tensor& want) {
  if (got.dtype != want.dtype)
    return different(Difference::dtype,
                     fmt::format("dtype {} instead of {}", onnx::dtype_name(got.dtype), onnx::dtype_name(want.dtype)));
  if (got.shape != want.shape)
    return different(Difference::shape,
                     fmt::format("shape {} instead of {}", shape_text(got.shape), shape_text(want.shape)));
  // The decoders promise these sizes; a hand-made value may not keep the promise.
  if (got.data.size() != want.data.size() || got.strings.size() != want.strings.size())
    return different(Difference::structure,
                     fmt::format("{} bytes of data instead of {}", got.data.size(), want.data.size()));
  return std::nullopt;
}

std::string_view type_text(Value::Type type) {
  switch (type) {
    case Value::Type::none:
      return "nothing";
    case Value::Type::tensor:
      return "a tensor";
    case Value::Type::sequence:
      return "a sequence";
  }
  return "?";
}

// Folds the comparison of one part into the whole: the worst match, then the worst excess, is kept.
void fold(Comparison& whole, Comparison part, std::size_t output, std::int64_t item) {
  whole.elements += part.elements;
  whole.beyond += part.beyond;
  part.worst.output = output;
  part.worst.item = item;
  const bool worse = part.match > whole.match || (part.match == whole.match && part.match != Match::equal &&
                                                  part.worst.excess > whole.worst.excess);
  if (!worse) return;
  const std::string place =
      item < 0 ? fmt::format("output {}", output) : fmt::format("output {} item {}", output, item);
  whole.match = part.match;
  whole.difference = part.difference;
  whole.worst = std::move(part.worst);
  whole.text = fmt::format("{}: {}", place, part.text);
}

template <class Each>
Comparison compare_lists(const std::vector<Value>& got, const std::vector<Value>& want, Each each) {
  if (got.size() != want.size())
    return different(Difference::structure, fmt::format("{} outputs instead of {}", got.size(), want.size()));
  Comparison whole;
  for (std::size_t i = 0; i < want.size(); ++i) {
    const Value &g = got[i], &w = want[i];
    if (g.type != w.type) {
      fold(whole,
           different(Difference::structure, fmt::format("{} instead of {}", type_text(g.type), type_text(w.type))), i,
           -1);
    } else if (w.type == Value::Type::tensor) {
      fold(whole, each(g.tensor, w.tensor), i, -1);
    } else if (w.type == Value::Type::sequence) {
      if (g.sequence.size() != w.sequence.size()) {
        fold(whole,
             different(Difference::shape,
                       fmt::format("a sequence of {} instead of {}", g.sequence.size(), w.sequence.size())),
             i, -1);
        continue;
      }
      for (std::size_t k = 0; k < w.sequence.size(); ++k)
        fold(whole, each(g.sequence[k], w.sequence[k]), i, static_cast<std::int64_t>(k));
    }
  }
  return whole;
}

template <class T>
bool convert(const Tensor& in, Tensor& out, double low, double high) {
  const std::size_t count = in.count();
  out.data.resize(count * sizeof(T));
  for (std::size_t i = 0; i < count; ++i) {
    const double v = load<float>(in.data, i);
    if (!(v >= low && v <= high) || v != std::floor(v)) return false;
    const T converted = static_cast<T>(v);
    std::memcpy(out.data.data() + i * sizeof(T), &converted, sizeof(T));
  }
  return true;
}

}  // namespace

std::optional<Tensor> read_as(const Tensor& tensor, Dtype wanted) {
  if (tensor.dtype != Dtype::float32 || tensor.data.size() != tensor.count() * sizeof(float)) return std::nullopt;
  Tensor out = tensor;
  out.dtype = wanted;
  if (wanted == Dtype::float64) {
    out.data.resize(tensor.count() * sizeof(double));
    for (std::size_t i = 0; i < tensor.count(); ++i) {
      const double wide = double{load<float>(tensor.data, i)};
      std::memcpy(out.data.data() + i * sizeof(double), &wide, sizeof wide);
    }
    return out;
  }
  bool exact = false;
  // Beyond 2^24 a float32 no longer tells neighbouring integers apart.
  constexpr double wide = 1 << 24;
  switch (wanted) {
    case Dtype::boolean:
      exact = convert<std::uint8_t>(tensor, out, 0, 1);
      break;
    case Dtype::uint8:
      exact = convert<std::uint8_t>(tensor, out, 0, 255);
      break;
    case Dtype::int8:
      exact = convert<std::int8_t>(tensor, out, -128, 127);
      break;
    case Dtype::uint16:
      exact = convert<std::uint16_t>(tensor, out, 0, 65535);
      break;
    case Dtype::int16:
      exact = convert<std::int16_t>(tensor, out, -32768, 32767);
      break;
    case Dtype::uint32:
      exact = convert<std::uint32_t>(tensor, out, 0, wide);
      break;
    case Dtype::int32:
      exact = convert<std::int32_t>(tensor, out, -wide, wide);
      break;
    case Dtype::uint64:
      exact = convert<std::uint64_t>(tensor, out, 0, wide);
      break;
    case Dtype::int64:
      exact = convert<std::int64_t>(tensor, out, -wide, wide);
      break;
    default:
      break;
  }
  if (!exact) return std::nullopt;
  return out;
}

Tolerance tolerance_of(Dtype dtype, Scope scope) {
  switch (dtype) {
    case Dtype::float32:
    case Dtype::float64:
    case Dtype::complex64:
    case Dtype::complex128:
      return {1e-3, scope == Scope::one_operator ? 1e-6 : 1e-5};
    case Dtype::float16:
      return {1e-2, 1e-3};
    case Dtype::bfloat16:
      return {2e-2, 8e-3};
    default:
      return {};
  }
}

float from_bfloat16(std::uint16_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }

float from_float16(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1f, fraction = bits & 0x3ff;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000 | (fraction << 13));
  if (exponent != 0) return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (fraction << 13));
  const float tiny = std::ldexp(static_cast<float>(fraction), -24);
  return sign ? -tiny : tiny;
}

Comparison compare(const Tensor& got, const Tensor& want, Scope scope) {
  if (auto wrong_form = form(got, want)) return *std::move(wrong_form);
  Comparison out;
  out.elements = want.count();
  const std::size_t wanted_bytes = want.count() * onnx::dtype_size(want.dtype);
  if (want.dtype != Dtype::string && want.data.size() != wanted_bytes)
    return different(Difference::structure,
                     fmt::format("{} bytes of data, {} follow from the shape", want.data.size(), wanted_bytes));
  if (want.dtype != Dtype::string &&
      (want.data.empty() || std::memcmp(got.data.data(), want.data.data(), want.data.size()) == 0))
    return out;
  compare_values(got, want, scope, out);
  if (out.match == Match::equal) return out;
  if (out.match == Match::different) out.difference = Difference::value;
  out.worst.at = indices(out.worst.index, want.shape);
  out.text = fmt::format("{} is {}, should be {}", out.worst.at, out.worst.got, out.worst.want);
  if (tolerance_of(want.dtype, scope).rtol > 0)
    out.text += fmt::format(" ({:.2g} of the peak, {} ulp", out.worst.peak_relative, out.worst.ulp);
  else
    out.text += " (exact type";
  out.text += fmt::format("; {} of {} beyond)", out.beyond, out.elements);
  return out;
}

Comparison compare(const std::vector<Value>& got, const std::vector<Value>& want, Scope scope) {
  return compare_lists(got, want, [&](const Tensor& g, const Tensor& w) { return compare(g, w, scope); });
}

Comparison compare_form(const std::vector<Value>& got, const std::vector<Value>& want) {
  return compare_lists(got, want, [](const Tensor& g, const Tensor& w) { return form(g, w).value_or(Comparison{}); });
}

}  // namespace hz::standards
