// Tensors made from attributes and shapes.
#include <cmath>
#include <numbers>

#include "refrt/operators.h"
#include "refrt/shape.h"
#include "refrt/wide.h"

namespace hz::refrt {

namespace {

Result<void> constant(Call& call) {
  if (call.node.attributes.size() != 1)
    return call.invalid("one value is needed, {} given", call.node.attributes.size());
  const onnx::Attribute& a = call.node.attributes[0];
  const auto list = [](const auto& v) { return Shape{static_cast<std::int64_t>(v.size())}; };
  const auto real_list = [](const std::vector<float>& v) { return std::vector<double>(v.begin(), v.end()); };
  Tensor out;
  if (a.name == "value" && a.t)
    out = *a.t;
  else if (a.name == "value_float")
    out = store(Dtype::float32, {}, std::vector<double>{static_cast<double>(a.f)});
  else if (a.name == "value_floats")
    out = store(Dtype::float32, list(a.floats), real_list(a.floats));
  else if (a.name == "value_int")
    out = store(Dtype::int64, {}, std::vector<std::int64_t>{a.i});
  else if (a.name == "value_ints")
    out = store(Dtype::int64, list(a.ints), a.ints);
  else if (a.name == "value_string")
    out = zeros(Dtype::string, {}), out.strings[0] = a.s;
  else if (a.name == "value_strings")
    out = zeros(Dtype::string, list(a.strings)), out.strings = a.strings;
  else
    return call.unsupported("attribute {}", a.name);
  HZ_TRY(call.admit(out.shape));
  call.give(0, std::move(out));
  return {};
}

Result<void> constant_of_shape(Call& call) {
  const Shape shape = HZ_TRY(call.integers(0));
  const std::size_t count = HZ_TRY(call.admit(shape));
  const auto* a = call.node.find("value");
  if (a && (!a->t || a->t->count() != 1)) return call.invalid("the value must be one element");
  if (!a)
    call.give(0, zeros(Dtype::float32, shape));
  else
    call.give(0, pick(*a->t, shape, std::vector<std::int64_t>(count, 0)));
  return {};
}

Result<void> shape_of(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const auto rank = static_cast<std::int64_t>(x.shape.size());
  const auto clamp = [&](std::int64_t v) { return std::clamp<std::int64_t>(v < 0 ? v + rank : v, 0, rank); };
  const std::int64_t start = clamp(call.int_of("start", 0)), end = std::max(start, clamp(call.int_of("end", rank)));
  const Shape part(x.shape.begin() + start, x.shape.begin() + end);
  call.give(0, store(Dtype::int64, {end - start}, part));
  return {};
}

Result<void> size_of(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  call.give(0, store(Dtype::int64, {}, std::vector<std::int64_t>{static_cast<std::int64_t>(x.count())}));
  return {};
}

Result<void> range(Call& call) {
  const Tensor& first = *HZ_TRY(call.tensor(0));
  for (std::size_t i : {0u, 1u, 2u}) {
    const Tensor& t = *HZ_TRY(call.tensor(i));
    if (t.dtype != first.dtype || t.count() != 1) return call.invalid("three scalars of one type are needed");
  }
  return by_wide(call, first.dtype, [&](auto w) -> Result<void> {
    using W = decltype(w);
    const W start = load<W>(*call.find(0))[0], limit = load<W>(*call.find(1))[0], delta = load<W>(*call.find(2))[0];
    if (delta == W{0}) return call.invalid("delta 0");
    const double n = std::ceil((static_cast<double>(limit) - static_cast<double>(start)) / static_cast<double>(delta));
    if (!(n < 1e15)) return call.invalid("too many elements");
    const auto count = std::max<std::int64_t>(0, static_cast<std::int64_t>(n));
    std::vector<W> out(HZ_TRY(call.admit({count})));
    for (std::size_t i = 0; i < out.size(); ++i) {
      if constexpr (std::is_floating_point_v<W>)
        out[i] = start + static_cast<W>(i) * delta;
      else
        out[i] = static_cast<W>(static_cast<std::uint64_t>(start) + i * static_cast<std::uint64_t>(delta));
    }
    call.give(0, store(first.dtype, {count}, out));
    return {};
  });
}

Result<void> eye_like(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  if (x.shape.size() != 2) return call.invalid("a matrix is needed");
  const Dtype dtype = call.given("dtype") ? static_cast<Dtype>(call.int_of("dtype", 1)) : x.dtype;
  if (onnx::dtype_size(dtype) == 0) return call.bad_dtype(dtype);
  const std::int64_t k = call.int_of("k", 0);
  std::vector<std::int64_t> out(HZ_TRY(call.admit(x.shape)));
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto at = static_cast<std::int64_t>(i);
    out[i] = at % x.shape[1] - at / x.shape[1] == k;
  }
  call.give(0, store(dtype, x.shape, out));
  return {};
}

// a0 - a1 cos + a2 cos 2: the three windows of the standard are one formula.
Result<void> window(Call& call) {
  const std::int64_t n = HZ_TRY(call.integer(0));
  const auto dtype = static_cast<Dtype>(call.int_of("output_datatype", 1));
  if (!is_real(dtype)) return call.bad_dtype(dtype);
  const std::string& name = call.node.op_type;
  const double a0 = name == "BlackmanWindow" ? 0.42 : name == "HannWindow" ? 0.5 : 25.0 / 46;
  const double a1 = name == "BlackmanWindow" ? 0.5 : 1 - a0, a2 = name == "BlackmanWindow" ? 0.08 : 0;
  std::vector<double> out(HZ_TRY(call.admit({n})));
  const double period = call.int_of("periodic", 1) != 0 ? static_cast<double>(n) : static_cast<double>(n - 1);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double t = 2 * std::numbers::pi * static_cast<double>(i) / period;
    out[i] = a0 - a1 * std::cos(t) + a2 * std::cos(2 * t);
  }
  call.give(0, store(dtype, {n}, out));
  return {};
}

// Triangular filters between equally spaced points of the mel scale, as the operator's text defines them.
Result<void> mel_weights(Call& call) {
  const std::int64_t bins = HZ_TRY(call.integer(0)), dft = HZ_TRY(call.integer(1)), rate = HZ_TRY(call.integer(2));
  const double low = HZ_TRY(call.real(3)), high = HZ_TRY(call.real(4));
  const auto dtype = static_cast<Dtype>(call.int_of("output_datatype", 1));
  if (!is_real(dtype)) return call.bad_dtype(dtype);
  if (bins < 1 || dft < 1 || rate < 1 || dft > (std::int64_t{1} << 40) || bins > (1 << 24))
    return call.invalid("sizes");
  const Shape shape{dft / 2 + 1, bins};
  std::vector<double> out(HZ_TRY(call.admit(shape)));
  const auto mel = [](double hz) { return 2595 * std::log10(1 + hz / 700); };
  const double low_mel = mel(low), step = (mel(high) - low_mel) / static_cast<double>(bins + 2);
  std::vector<std::int64_t> edge;
  for (std::int64_t i = 0; i < bins + 2; ++i) {
    const double hz = 700 * (std::pow(10, (low_mel + static_cast<double>(i) * step) / 2595) - 1);
    const double at = std::floor(static_cast<double>(dft + 1) * hz / static_cast<double>(rate));
    edge.push_back(at >= 0 && at < 1e15 ? static_cast<std::int64_t>(at) : at < 0 ? 0 : std::int64_t{1} << 50);
  }
  const auto put = [&](std::int64_t row, std::int64_t column, double v) {
    if (row >= 0 && row < shape[0]) out[static_cast<std::size_t>(row * bins + column)] = v;
  };
  for (std::int64_t i = 0; i < bins; ++i) {
    const std::int64_t left = edge[static_cast<std::size_t>(i)], centre = edge[static_cast<std::size_t>(i) + 1],
                       right = edge[static_cast<std::size_t>(i) + 2];
    if (centre == left)
      put(centre, i, 1);
    else
      for (std::int64_t j = left; j <= std::min(centre, shape[0]); ++j)
        put(j, i, static_cast<double>(j - left) / static_cast<double>(centre - left));
    for (std::int64_t j = centre; right > centre && j < std::min(right, shape[0]); ++j)
      put(j, i, static_cast<double>(right - j) / static_cast<double>(right - centre));
  }
  call.give(0, store(dtype, shape, out));
  return {};
}

constexpr OpRow rows[] = {
    {"Constant", constant},
    {"ConstantOfShape", constant_of_shape, 9},
    {"Shape", shape_of},
    {"Size", size_of},
    {"Range", range, 11},
    {"EyeLike", eye_like, 9},
    {"HannWindow", window, 17},
    {"HammingWindow", window, 17},
    {"BlackmanWindow", window, 17},
    {"MelWeightMatrix", mel_weights, 17},
};

}  // namespace

std::span<const OpRow> create_ops() { return rows; }

}  // namespace hz::refrt
