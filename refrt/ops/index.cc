// Data movement that depends on index tensors: the gathers and the scatters.
#include <algorithm>

#include "refrt/operators.h"
#include "refrt/shape.h"
#include "refrt/wide.h"

namespace hz::refrt {

namespace {

// -size..size-1 to 0..size-1.
Result<std::int64_t> place(const Call& call, std::int64_t index, std::int64_t size) {
  if (index < -size || index >= size) return call.invalid("index {} on an axis of {}", index, size);
  return index < 0 ? index + size : index;
}

Result<void> gather(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const Tensor& where = *HZ_TRY(call.tensor(1));
  auto indices = HZ_TRY(call.integers(1));
  const std::size_t axis = HZ_TRY(call.axis(call.int_of("axis", 0), x.shape.size()));
  Shape out(x.shape.begin(), x.shape.begin() + static_cast<std::ptrdiff_t>(axis));
  out.insert(out.end(), where.shape.begin(), where.shape.end());
  out.insert(out.end(), x.shape.begin() + static_cast<std::ptrdiff_t>(axis) + 1, x.shape.end());
  for (auto& i : indices) i = HZ_TRY(place(call, i, x.shape[axis]));
  HZ_TRY(call.admit(out));
  const auto [outer, n, inner] = split3(x.shape, axis);
  Tensor result = zeros(x.dtype, out);
  std::size_t to = 0;
  for (std::size_t o = 0; o < outer; ++o)
    for (const std::int64_t i : indices) {
      copy_elements(result, to, x, (o * n + static_cast<std::size_t>(i)) * inner, inner);
      to += inner;
    }
  call.give(0, std::move(result));
  return {};
}

// For every element of `indices`, the position in x that has the same coordinates but the index along `axis`.
Result<std::vector<std::int64_t>> element_places(const Call& call, const Shape& x, const Tensor& indices,
                                                 std::size_t axis) {
  if (indices.shape.size() != x.size())
    return call.invalid("indices of rank {} for rank {}", indices.shape.size(), x.size());
  for (std::size_t d = 0; d < x.size(); ++d)
    if (d != axis && indices.shape[d] > x[d])
      return call.invalid("indices {} reach beyond {}", text(indices.shape), text(x));
  const Shape own = strides_of(x);
  Shape other = own;
  other[axis] = 0;
  auto out = offsets(indices.shape, other);
  const auto along = load<std::int64_t>(indices);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] += HZ_TRY(place(call, along[i], x[axis])) * own[axis];
  return out;
}

Result<void> gather_elements(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const Tensor& indices = *HZ_TRY(call.tensor(1));
  HZ_TRY(call.integers(1));
  const std::size_t axis = HZ_TRY(call.axis(call.int_of("axis", 0), x.shape.size()));
  HZ_TRY(call.admit(indices.shape));
  call.give(0, pick(x, indices.shape, HZ_TRY(element_places(call, x.shape, indices, axis))));
  return {};
}

// Tuples of indices: the start of each addressed block, and how many elements it has.
struct Blocks {
  std::vector<std::int64_t> start;
  std::size_t size = 1;
  Shape shape;  // of the result of a gather
};
Result<Blocks> blocks(const Call& call, const Shape& x, const Tensor& indices, std::size_t batch) {
  const auto tuples = HZ_TRY(call.integers(1));
  const std::size_t rank = x.size();
  if (indices.shape.empty() || batch >= indices.shape.size() || batch >= rank)
    return call.invalid("batch_dims {}", batch);
  if (indices.shape.back() < 1 || static_cast<std::size_t>(indices.shape.back()) + batch > rank)
    return call.invalid("tuples of {} indices", indices.shape.back());
  const auto width = static_cast<std::size_t>(indices.shape.back());
  for (std::size_t d = 0; d < batch; ++d)
    if (indices.shape[d] != x[d]) return call.invalid("batch dimension {}", d);
  Blocks out;
  out.shape.assign(indices.shape.begin(), indices.shape.end() - 1);
  out.shape.insert(out.shape.end(), x.begin() + static_cast<std::ptrdiff_t>(batch + width), x.end());
  const Shape own = strides_of(x);
  out.size = split3(x, batch, batch + width).inner;
  const std::size_t count = tuples.size() / width;
  const Split3 batches = split3(indices.shape, batch, indices.shape.size() - 1);
  const std::int64_t batch_stride = batch == 0 ? 0 : own[batch - 1];
  for (std::size_t i = 0; i < count; ++i) {
    std::int64_t at = batch == 0 ? 0 : static_cast<std::int64_t>(i / batches.middle) * batch_stride;
    for (std::size_t k = 0; k < width; ++k)
      at += HZ_TRY(place(call, tuples[i * width + k], x[batch + k])) * own[batch + k];
    out.start.push_back(at);
  }
  return out;
}

Result<void> gather_nd(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const Tensor& indices = *HZ_TRY(call.tensor(1));
  const std::int64_t batch = call.int_of("batch_dims", 0);
  if (batch < 0) return call.invalid("batch_dims {}", batch);
  const Blocks b = HZ_TRY(blocks(call, x.shape, indices, static_cast<std::size_t>(batch)));
  HZ_TRY(call.admit(b.shape));
  Tensor out = zeros(x.dtype, b.shape);
  for (std::size_t i = 0; i < b.start.size(); ++i)
    copy_elements(out, i * b.size, x, static_cast<std::size_t>(b.start[i]), b.size);
  call.give(0, std::move(out));
  return {};
}

// out[places[i]] = combine(out[places[i]], updates[i]), in order.
Result<void> scatter(Call& call, const Tensor& x, const Tensor& updates, const std::vector<std::int64_t>& places) {
  HZ_TRY(call.admit(x.shape));
  if (updates.dtype != x.dtype || updates.count() != places.size())
    return call.invalid("{} updates for {} places", updates.count(), places.size());
  const std::string how = call.string_of("reduction", "none");
  if (how == "none") {
    Tensor out = x;
    for (std::size_t i = 0; i < places.size(); ++i)
      copy_elements(out, static_cast<std::size_t>(places[i]), updates, i, 1);
    call.give(0, std::move(out));
    return {};
  }
  if (how != "add" && how != "mul" && how != "max" && how != "min") return call.unsupported("reduction {}", how);
  return by_wide(call, x.dtype, [&](auto w) -> Result<void> {
    using W = decltype(w);
    using U = std::conditional_t<std::is_floating_point_v<W>, double, std::uint64_t>;  // wraps
    auto out = load<W>(x);
    const auto add = load<W>(updates);
    for (std::size_t i = 0; i < places.size(); ++i) {
      W& to = out[static_cast<std::size_t>(places[i])];
      if (how == "add")
        to = static_cast<W>(static_cast<U>(to) + static_cast<U>(add[i]));
      else if (how == "mul")
        to = static_cast<W>(static_cast<U>(to) * static_cast<U>(add[i]));
      else
        to = how == "max" ? std::max(to, add[i]) : std::min(to, add[i]);
    }
    call.give(0, store(x.dtype, x.shape, out));
    return {};
  });
}

Result<void> scatter_elements(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const Tensor& indices = *HZ_TRY(call.tensor(1));
  const Tensor& updates = *HZ_TRY(call.tensor(2));
  HZ_TRY(call.integers(1));
  if (updates.shape != indices.shape) return call.invalid("updates and indices differ in shape");
  const std::size_t axis = HZ_TRY(call.axis(call.int_of("axis", 0), x.shape.size()));
  return scatter(call, x, updates, HZ_TRY(element_places(call, x.shape, indices, axis)));
}

Result<void> scatter_nd(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const Tensor& updates = *HZ_TRY(call.tensor(2));
  const Blocks b = HZ_TRY(blocks(call, x.shape, *HZ_TRY(call.tensor(1)), 0));
  if (updates.shape != b.shape) return call.invalid("updates must be {}", text(b.shape));
  HZ_TRY(call.admit(b.shape));
  std::vector<std::int64_t> places;
  for (const std::int64_t start : b.start)
    for (std::size_t i = 0; i < b.size; ++i) places.push_back(start + static_cast<std::int64_t>(i));
  return scatter(call, x, updates, places);
}

constexpr OpRow rows[] = {
    {"Gather", gather},
    {"GatherElements", gather_elements, 11},
    {"GatherND", gather_nd, 11},
    {"Scatter", scatter_elements, 9},
    {"ScatterElements", scatter_elements, 11},
    {"ScatterND", scatter_nd, 11},
};

}  // namespace

std::span<const OpRow> index_ops() { return rows; }

}  // namespace hz::refrt
