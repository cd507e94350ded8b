// Data movement that depends on shapes only: every operator here is a list of source positions (wide.h: pick) or a
// relabelled shape.
#include <algorithm>

#include "refrt/operators.h"
#include "refrt/shape.h"
#include "refrt/wide.h"

namespace hz::refrt {

namespace {

Result<void> relabel(Call& call, const Tensor& x, Shape shape) {
  if (static_cast<std::size_t>(HZ_TRY(call.admit(shape))) != x.count())
    return call.invalid("{} elements do not fill {}", x.count(), text(shape));
  Tensor out = x;
  out.shape = std::move(shape);
  call.give(0, std::move(out));
  return {};
}

Result<void> reshape(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  Shape shape = HZ_TRY(call.integers_or(1, "shape"));
  const bool allow_zero = call.int_of("allowzero", 0) != 0;
  std::int64_t rest = 1;
  std::ptrdiff_t unknown = -1;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] == 0 && !allow_zero) {
      if (d >= x.shape.size()) return call.invalid("dimension {} has nothing to copy", d);
      shape[d] = x.shape[d];
    }
    if (shape[d] == -1) {
      if (unknown >= 0) return call.invalid("two unknown dimensions in {}", text(shape));
      unknown = static_cast<std::ptrdiff_t>(d);
    } else if (shape[d] < 0 || (shape[d] > 0 && rest > (std::int64_t{1} << 47) / shape[d])) {
      return call.invalid("shape {}", text(shape));
    } else {
      rest *= shape[d];
    }
  }
  if (unknown >= 0) {
    if (rest == 0) return call.invalid("shape {} leaves a dimension open", text(shape));
    shape[static_cast<std::size_t>(unknown)] = static_cast<std::int64_t>(x.count()) / rest;
  }
  return relabel(call, x, std::move(shape));
}

Result<void> flatten(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const auto rank = static_cast<std::int64_t>(x.shape.size());
  std::int64_t axis = call.int_of("axis", 1);
  if (axis < -rank || axis > rank) return call.invalid("axis {}", axis);
  if (axis < 0) axis += rank;
  const Split3 s = split3(x.shape, static_cast<std::size_t>(axis), x.shape.size());
  return relabel(call, x, {static_cast<std::int64_t>(s.outer), static_cast<std::int64_t>(s.middle)});
}

Result<void> squeeze(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const auto axes = HZ_TRY(call.integers_or(1, "axes"));
  auto gone = HZ_TRY(call.axis_set(axes, x.shape.size()));
  Shape out;
  for (std::size_t d = 0; d < x.shape.size(); ++d) {
    if (axes.empty()) gone[d] = x.shape[d] == 1;
    if (gone[d] && x.shape[d] != 1) return call.invalid("axis {} has size {}", d, x.shape[d]);
    if (!gone[d]) out.push_back(x.shape[d]);
  }
  return relabel(call, x, std::move(out));
}

Result<void> unsqueeze(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const auto axes = HZ_TRY(call.integers_or(1, "axes"));
  const auto added = HZ_TRY(call.axis_set(axes, x.shape.size() + axes.size()));
  Shape out;
  std::size_t next = 0;
  for (const bool is_new : added) out.push_back(is_new ? 1 : x.shape[next++]);
  return relabel(call, x, std::move(out));
}

Result<void> transpose(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  Shape order = call.ints_of("perm");
  if (!call.given("perm"))
    for (std::size_t d = x.shape.size(); d-- > 0;) order.push_back(static_cast<std::int64_t>(d));
  if (order.size() != x.shape.size()) return call.invalid("perm has {} axes", order.size());
  HZ_TRY(call.axis_set(order, x.shape.size()));
  HZ_TRY(call.admit(x.shape));
  const Shape own = strides_of(x.shape);
  Shape shape, strides;
  for (const std::int64_t a : order) {
    const std::size_t from = HZ_TRY(call.axis(a, x.shape.size()));
    shape.push_back(x.shape[from]);
    strides.push_back(own[from]);
  }
  call.give(0, pick(x, shape, offsets(shape, strides)));
  return {};
}

Result<void> concat(Call& call) {
  const Tensor& first = *HZ_TRY(call.tensor(0));
  const std::size_t axis = HZ_TRY(call.axis(call.int_of("axis", 1), first.shape.size()));
  Shape out = first.shape;
  out[axis] = 0;
  for (std::size_t i = 0; i < call.inputs.size(); ++i) {
    const Tensor& t = *HZ_TRY(call.tensor(i));
    Shape other = t.shape;
    if (t.dtype != first.dtype || other.size() != out.size()) return call.invalid("input {} does not fit input 0", i);
    out[axis] += other[axis];
    other[axis] = first.shape[axis];
    if (other != first.shape) return call.invalid("input {} does not fit input 0", i);
  }
  HZ_TRY(call.admit(out));
  Tensor result = zeros(first.dtype, out);
  const Split3 whole = split3(out, axis);
  std::size_t at = 0;
  for (std::size_t i = 0; i < call.inputs.size(); ++i) {
    const Tensor& t = *call.find(i);
    const std::size_t row = static_cast<std::size_t>(t.shape[axis]) * whole.inner;
    for (std::size_t o = 0; o < whole.outer; ++o)
      copy_elements(result, o * whole.middle * whole.inner + at, t, o * row, row);
    at += row;
  }
  call.give(0, std::move(result));
  return {};
}

// Sizes were an attribute before opset 13; since 18 their number may be given instead, the last one being smaller.
Result<void> split(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const std::size_t axis = HZ_TRY(call.axis(call.int_of("axis", 0), x.shape.size()));
  auto sizes = HZ_TRY(call.integers_or(1, "split"));
  const auto parts = static_cast<std::int64_t>(call.outputs.size());
  if (sizes.empty()) {
    const bool even = call.opset < 18;
    if (even && x.shape[axis] % parts != 0)
      return call.invalid("{} does not split into {} parts", x.shape[axis], parts);
    const std::int64_t size = (x.shape[axis] + parts - 1) / parts;
    for (std::int64_t left = x.shape[axis], i = 0; i < parts; ++i, left -= sizes.back())
      sizes.push_back(std::min(size, left));
  }
  if (static_cast<std::int64_t>(sizes.size()) != parts)
    return call.invalid("{} sizes for {} outputs", sizes.size(), parts);
  std::int64_t sum = 0;
  for (const std::int64_t s : sizes) {
    if (s < 0 || s > x.shape[axis]) return call.invalid("part of size {}", s);
    sum += s;
  }
  if (sum != x.shape[axis]) return call.invalid("the parts make {}", sum);
  const Split3 whole = split3(x.shape, axis);
  std::size_t at = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    Shape shape = x.shape;
    shape[axis] = sizes[i];
    HZ_TRY(call.admit(shape));
    Tensor part = zeros(x.dtype, shape);
    const std::size_t row = static_cast<std::size_t>(sizes[i]) * whole.inner;
    for (std::size_t o = 0; o < whole.outer; ++o)
      copy_elements(part, o * row, x, o * whole.middle * whole.inner + at, row);
    at += row;
    call.give(i, std::move(part));
  }
  return {};
}

// Before opset 10 starts, ends and axes were attributes.
Result<void> slice(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const bool old = call.opset < 10;
  const auto starts = old ? call.ints_of("starts") : HZ_TRY(call.integers(1));
  const auto ends = old ? call.ints_of("ends") : HZ_TRY(call.integers(2));
  auto axes = HZ_TRY(call.integers_or(3, "axes"));
  auto steps = call.has(4) ? HZ_TRY(call.integers(4)) : std::vector<std::int64_t>(starts.size(), 1);
  if (axes.empty())
    for (std::size_t i = 0; i < starts.size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size())
    return call.invalid("{} starts, {} ends, {} axes, {} steps", starts.size(), ends.size(), axes.size(), steps.size());
  HZ_TRY(call.axis_set(axes, x.shape.size()));
  Shape shape = x.shape, strides = strides_of(x.shape);
  std::int64_t base = 0;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::size_t d = HZ_TRY(call.axis(axes[i], x.shape.size()));
    const std::int64_t size = x.shape[d], step = steps[i];
    if (step == 0) return call.invalid("step 0");
    // Ends beyond the axis are clamped; a backward slice may end before the first element.
    const std::int64_t low = step < 0 ? -1 : 0, high = step < 0 ? size - 1 : size;
    const auto clamp = [&](std::int64_t v) {
      return std::clamp(v < 0 ? std::max<std::int64_t>(v, -size - 1) + size : v, low, std::max(low, high));
    };
    const std::int64_t start = clamp(starts[i]), end = clamp(ends[i]);
    const std::int64_t gap = step > 0 ? end - start : start - end;
    const std::uint64_t pace = step > 0 ? static_cast<std::uint64_t>(step) : 0 - static_cast<std::uint64_t>(step);
    shape[d] = gap <= 0 ? 0 : static_cast<std::int64_t>((static_cast<std::uint64_t>(gap) - 1) / pace) + 1;
    if (shape[d] > 0) base += start * strides[d];
    strides[d] = shape[d] > 1 ? strides[d] * step : 0;
  }
  HZ_TRY(call.admit(shape));
  call.give(0, pick(x, shape, offsets(shape, strides, base)));
  return {};
}

Result<void> expand(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const Shape wanted = HZ_TRY(call.integers(1));
  for (const std::int64_t d : wanted)
    if (d < 0) return call.invalid("shape {}", text(wanted));
  const Shape out = HZ_TRY(broadcast(call, x.shape, wanted));
  HZ_TRY(call.admit(out));
  call.give(0, pick(x, out, offsets(out, broadcast_strides(x.shape, out))));
  return {};
}

// Along one axis, position i of the result reads position source[i]; -1 is outside. Several axes combine by addition.
Result<void> take_lines(Call& call, const Tensor& x, const std::vector<std::vector<std::int64_t>>& source,
                        const Tensor* fill) {
  Shape shape;
  for (const auto& line : source) shape.push_back(static_cast<std::int64_t>(line.size()));
  HZ_TRY(call.admit(shape));
  const Shape own = strides_of(x.shape);
  std::vector<std::int64_t> index{0};
  for (std::size_t d = 0; d < source.size(); ++d) {
    std::vector<std::int64_t> next;
    next.reserve(index.size() * source[d].size());
    for (const std::int64_t base : index)
      for (const std::int64_t s : source[d]) next.push_back(base < 0 || s < 0 ? -1 : base + s * own[d]);
    index = std::move(next);
  }
  call.give(0, pick(x, shape, index, fill));
  return {};
}

Result<void> tile(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const auto repeats = HZ_TRY(call.integers(1));
  if (repeats.size() != x.shape.size()) return call.invalid("{} repeats", repeats.size());
  Shape shape = x.shape;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (repeats[d] < 0 || repeats[d] > (1 << 30) || shape[d] > (std::int64_t{1} << 31))
      return call.invalid("repeat {}", repeats[d]);
    shape[d] *= repeats[d];
  }
  HZ_TRY(call.admit(shape));
  std::vector<std::vector<std::int64_t>> source(shape.size());
  for (std::size_t d = 0; d < shape.size(); ++d)
    for (std::int64_t i = 0; i < shape[d]; ++i) source[d].push_back(i % x.shape[d]);
  return take_lines(call, x, source, nullptr);
}

// Pads were attributes before opset 11; negative ones crop.
Result<void> pad(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const std::size_t rank = x.shape.size();
  auto given = HZ_TRY(call.integers_or(1, "pads"));
  std::vector<std::int64_t> axes = call.has(3) ? HZ_TRY(call.integers(3)) : std::vector<std::int64_t>();
  if (axes.empty())
    for (std::size_t d = 0; d < rank; ++d) axes.push_back(static_cast<std::int64_t>(d));
  HZ_TRY(call.axis_set(axes, rank));
  if (given.size() != 2 * axes.size()) return call.invalid("{} pads for {} axes", given.size(), axes.size());
  std::vector<std::int64_t> before(rank), after(rank);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::size_t d = HZ_TRY(call.axis(axes[i], rank));
    before[d] = given[i];
    after[d] = given[i + axes.size()];
  }
  const std::string mode = call.string_of("mode", "constant");
  Tensor value =
      store(x.dtype == Dtype::string ? Dtype::undefined : x.dtype, {}, std::vector<double>{call.float_of("value", 0)});
  if (const Tensor* t = call.find(2)) {
    if (t->dtype != x.dtype || t->count() != 1)
      return call.invalid("the padding value must be one element of the input's type");
    value = *t;
  }
  Shape shape = x.shape;
  for (std::size_t d = 0; d < rank; ++d) {
    constexpr std::int64_t far = std::int64_t{1} << 40;
    if (before[d] < -far || before[d] > far || after[d] < -far || after[d] > far)
      return call.invalid("pad {}", before[d]);
    shape[d] += before[d] + after[d];
    if (shape[d] < 0) return call.invalid("nothing is left of axis {}", d);
    if (mode != "constant" && x.shape[d] == 0 && shape[d] > 0) return call.invalid("axis {} has nothing to repeat", d);
  }
  HZ_TRY(call.admit(shape));
  std::vector<std::vector<std::int64_t>> source(rank);
  for (std::size_t d = 0; d < rank; ++d) {
    const std::int64_t n = x.shape[d];
    for (std::int64_t i = -before[d]; i < n + after[d]; ++i) {
      std::int64_t from = i;
      if (mode == "constant") {
        if (i < 0 || i >= n) from = -1;
      } else if (mode == "edge") {
        from = std::clamp<std::int64_t>(i, 0, n - 1);
      } else if (mode == "reflect") {
        const std::int64_t period = std::max<std::int64_t>(2 * (n - 1), 1);
        from = ((i % period) + period) % period;
        if (from >= n) from = period - from;
      } else {
        return call.unsupported("mode {}", mode);
      }
      source[d].push_back(from);
    }
  }
  return take_lines(call, x, source, &value);
}

// Depth and space trade places through a six-dimensional transpose.
Result<void> rearrange(Call& call, const Tensor& x, const Shape& view_shape, const Shape& order, const Shape& out) {
  HZ_TRY(call.admit(out));
  const Shape own = strides_of(view_shape);
  Shape shape, strides;
  for (const std::int64_t d : order) {
    shape.push_back(view_shape[static_cast<std::size_t>(d)]);
    strides.push_back(own[static_cast<std::size_t>(d)]);
  }
  call.give(0, pick(x, out, offsets(shape, strides)));
  return {};
}
Result<void> depth_to_space(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const std::int64_t b = call.int_of("blocksize", 0);
  if (x.shape.size() != 4 || b < 1 || b > 65536 || x.shape[1] % (b * b) != 0) return call.invalid("blocksize {}", b);
  const std::int64_t n = x.shape[0], c = x.shape[1] / (b * b), h = x.shape[2], w = x.shape[3];
  const Shape out{n, c, h * b, w * b};
  if (call.string_of("mode", "DCR") == "CRD") return rearrange(call, x, {n, c, b, b, h, w}, {0, 1, 4, 2, 5, 3}, out);
  return rearrange(call, x, {n, b, b, c, h, w}, {0, 3, 4, 1, 5, 2}, out);
}
Result<void> space_to_depth(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const std::int64_t b = call.int_of("blocksize", 0);
  if (x.shape.size() != 4 || b < 1 || b > 65536 || x.shape[2] % b != 0 || x.shape[3] % b != 0)
    return call.invalid("blocksize {}", b);
  const std::int64_t n = x.shape[0], c = x.shape[1], h = x.shape[2] / b, w = x.shape[3] / b;
  return rearrange(call, x, {n, c, h, b, w, b}, {0, 3, 5, 1, 2, 4}, {n, c * b * b, h, w});
}

Result<void> trilu(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  if (x.shape.size() < 2) return call.invalid("matrices are needed");
  const std::int64_t k = call.has(1) ? HZ_TRY(call.integer(1)) : 0;
  const bool upper = call.int_of("upper", 1) != 0;
  const std::int64_t rows = x.shape[x.shape.size() - 2], columns = x.shape.back();
  std::vector<std::int64_t> index(HZ_TRY(call.admit(x.shape)));
  // Compared without subtracting from k, which may be any 64-bit number.
  for (std::size_t i = 0; i < index.size(); ++i) {
    const std::int64_t c = static_cast<std::int64_t>(i) % columns, r = static_cast<std::int64_t>(i) / columns % rows;
    const bool keep = upper ? c - r >= k : c - r <= k;
    index[i] = keep ? static_cast<std::int64_t>(i) : -1;
  }
  call.give(0, pick(x, x.shape, index));
  return {};
}

Result<void> reverse_sequence(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const auto lengths = HZ_TRY(call.integers(1));
  const std::int64_t time = call.int_of("time_axis", 0), batch = call.int_of("batch_axis", 1);
  if (x.shape.size() < 2 || time + batch != 1 || time < 0 || batch < 0)
    return call.invalid("axes {} and {}", time, batch);
  const std::int64_t batches = x.shape[static_cast<std::size_t>(batch)],
                     times = x.shape[static_cast<std::size_t>(time)];
  if (static_cast<std::int64_t>(lengths.size()) != batches) return call.invalid("{} lengths", lengths.size());
  std::vector<std::int64_t> index(HZ_TRY(call.admit(x.shape)));
  const auto inner = static_cast<std::int64_t>(split3(x.shape, 1).inner);
  const Shape own = strides_of(x.shape);
  for (std::size_t i = 0; i < index.size(); ++i) {
    const auto at = static_cast<std::int64_t>(i);
    const std::int64_t first = at / inner, second = first % x.shape[1];
    const std::int64_t row = first / x.shape[1];
    const std::int64_t b = batch == 0 ? row : second, t = time == 0 ? row : second;
    const std::int64_t length = lengths[static_cast<std::size_t>(b)];
    if (length < 0 || length > times) return call.invalid("length {}", length);
    index[i] = t < length ? at + (length - 1 - 2 * t) * own[static_cast<std::size_t>(time)] : at;
  }
  call.give(0, pick(x, x.shape, index));
  return {};
}

Result<void> identity(Call& call) {
  if (!call.has(0)) return call.invalid("input 0 is missing");
  HZ_TRY(call.admit(*call.inputs[0]));
  call.give(0, *call.inputs[0]);
  return {};
}

// Inference keeps its input. A training run draws random numbers, which no reference value can state.
Result<void> dropout(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const std::size_t count = HZ_TRY(call.admit(x.shape));
  const bool training = call.has(2) && HZ_TRY(call.real(2)) != 0;
  const double ratio = call.has(1) ? HZ_TRY(call.real(1)) : 0.5;
  if (training && ratio != 0) return call.unsupported("training with random numbers");
  call.give(0, x);
  const std::vector<std::int64_t> kept(count, 1);
  call.give(1, store(call.opset < 10 ? x.dtype : Dtype::boolean, x.shape, kept));
  return {};
}

constexpr OpRow rows[] = {
    {"Reshape", reshape},
    {"Flatten", flatten},
    {"Squeeze", squeeze},
    {"Unsqueeze", unsqueeze},
    {"Transpose", transpose},
    {"Concat", concat},
    {"Split", split, 2},
    {"Slice", slice},
    {"Expand", expand, 8},
    {"Tile", tile, 6},
    {"Pad", pad, 2},
    {"DepthToSpace", depth_to_space},
    {"SpaceToDepth", space_to_depth},
    {"Trilu", trilu, 14},
    {"ReverseSequence", reverse_sequence, 10},
    {"Identity", identity},
    {"Dropout", dropout},
};

}  // namespace

std::span<const OpRow> move_ops() { return rows; }

}  // namespace hz::refrt
