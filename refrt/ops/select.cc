// Operators whose result depends on the order or truth of elements: TopK, Unique, NonZero, Compress, OneHot,
// NonMaxSuppression.
#include <algorithm>
#include <numeric>

#include "refrt/operators.h"
#include "refrt/shape.h"
#include "refrt/wide.h"

namespace hz::refrt {

namespace {

// NaN counts as the largest number, so that sorting stays a strict order.
template <class W>
bool less(W a, W b) {
  if constexpr (std::is_floating_point_v<W>)
    return a < b || (a == a && b != b);
  else
    return a < b;
}

Result<void> top_k(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const std::int64_t k = call.opset < 10 ? call.int_of("k", 0) : HZ_TRY(call.integer(1));
  const std::size_t axis = HZ_TRY(call.axis(call.int_of("axis", -1), x.shape.size()));
  const bool largest = call.int_of("largest", 1) != 0;
  if (k < 0 || k > x.shape[axis]) return call.invalid("k is {}", k);
  Shape out = x.shape;
  out[axis] = k;
  const std::size_t count = HZ_TRY(call.admit(out));
  HZ_TRY(call.work(static_cast<double>(x.count()) * 20));
  const auto [outer, n, inner] = split3(x.shape, axis);
  return by_wide(call, x.dtype, [&](auto w) -> Result<void> {
    using W = decltype(w);
    const auto v = load<W>(x);
    std::vector<W> values(count);
    std::vector<std::int64_t> indices(count);
    std::vector<std::size_t> order(n);
    for (std::size_t o = 0; o < outer; ++o)
      for (std::size_t i = 0; i < inner; ++i) {
        const W* line = v.data() + o * n * inner + i;
        std::iota(order.begin(), order.end(), 0u);
        std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
          return largest ? less(line[b * inner], line[a * inner]) : less(line[a * inner], line[b * inner]);
        });
        for (std::size_t r = 0; r < static_cast<std::size_t>(k); ++r) {
          const std::size_t to = (o * static_cast<std::size_t>(k) + r) * inner + i;
          values[to] = line[order[r] * inner];
          indices[to] = static_cast<std::int64_t>(order[r]);
        }
      }
    call.give(0, store(x.dtype, out, values));
    call.give(1, store(Dtype::int64, out, indices));
    return {};
  });
}

// Slices along the axis (or single elements) compare as lists of numbers or strings.
Result<void> unique(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const bool flat = !call.given("axis"), sorted = call.int_of("sorted", 1) != 0;
  Shape shape = flat ? Shape{static_cast<std::int64_t>(x.count())} : x.shape;
  const std::size_t axis = flat ? 0 : HZ_TRY(call.axis(call.int_of("axis", 0), shape.size()));
  const auto [outer, n, inner] = split3(shape, axis);
  HZ_TRY(call.admit(shape));
  HZ_TRY(call.work(static_cast<double>(x.count()) * 20));
  const auto numbers = is_real(x.dtype) ? load<double>(x) : std::vector<double>();
  const auto integers = is_real(x.dtype) ? std::vector<std::int64_t>() : load<std::int64_t>(x);
  const auto order_of = [&](std::size_t a, std::size_t b) {
    for (std::size_t o = 0; o < outer; ++o)
      for (std::size_t i = 0; i < inner; ++i) {
        const std::size_t pa = (o * n + a) * inner + i, pb = (o * n + b) * inner + i;
        if (x.dtype == Dtype::string) {
          if (x.strings[pa] != x.strings[pb]) return x.strings[pa] < x.strings[pb] ? -1 : 1;
        } else if (!numbers.empty()) {
          if (less(numbers[pa], numbers[pb])) return -1;
          if (less(numbers[pb], numbers[pa])) return 1;
        } else if (integers[pa] != integers[pb]) {
          return integers[pa] < integers[pb] ? -1 : 1;
        }
      }
    return 0;
  };
  if (x.dtype == Dtype::complex64 || x.dtype == Dtype::complex128) return call.bad_dtype(x.dtype);
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return order_of(a, b) < 0; });
  struct Group {
    std::int64_t first, count;
  };
  std::vector<Group> groups;
  std::vector<std::size_t> group_of(n);
  for (std::size_t r = 0; r < n; ++r) {
    if (r == 0 || order_of(order[r - 1], order[r]) != 0) groups.push_back({static_cast<std::int64_t>(order[r]), 0});
    ++groups.back().count;
    group_of[order[r]] = groups.size() - 1;
  }
  std::vector<std::size_t> rank(groups.size());
  std::iota(rank.begin(), rank.end(), 0u);
  if (!sorted) std::ranges::sort(rank, {}, [&](std::size_t g) { return groups[g].first; });
  std::vector<std::int64_t> new_place(groups.size()), first, inverse, counts;
  for (std::size_t r = 0; r < rank.size(); ++r) {
    new_place[rank[r]] = static_cast<std::int64_t>(r);
    first.push_back(groups[rank[r]].first);
    counts.push_back(groups[rank[r]].count);
  }
  for (std::size_t i = 0; i < n; ++i) inverse.push_back(new_place[group_of[i]]);
  shape[axis] = static_cast<std::int64_t>(groups.size());
  Tensor out = zeros(x.dtype, shape);
  for (std::size_t o = 0; o < outer; ++o)
    for (std::size_t r = 0; r < first.size(); ++r)
      copy_elements(out, (o * first.size() + r) * inner, x, (o * n + static_cast<std::size_t>(first[r])) * inner,
                    inner);
  call.give(0, std::move(out));
  const auto list = [](const std::vector<std::int64_t>& v) {
    return store(Dtype::int64, {static_cast<std::int64_t>(v.size())}, v);
  };
  call.give(1, list(first));
  call.give(2, list(inverse));
  call.give(3, list(counts));
  return {};
}

Result<void> non_zero(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  if (x.dtype == Dtype::string) return call.bad_dtype(x.dtype);
  const auto v = load<double>(x);
  std::vector<std::size_t> hits;
  for (std::size_t i = 0; i < v.size(); ++i)
    if (v[i] != 0) hits.push_back(i);
  const Shape shape{static_cast<std::int64_t>(x.shape.size()), static_cast<std::int64_t>(hits.size())};
  HZ_TRY(call.admit(shape));
  const Shape own = strides_of(x.shape);
  std::vector<std::int64_t> out;
  for (std::size_t d = 0; d < own.size(); ++d)
    for (const std::size_t at : hits) out.push_back(static_cast<std::int64_t>(at) / own[d] % x.shape[d]);
  call.give(0, store(Dtype::int64, shape, out));
  return {};
}

Result<void> compress(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const Tensor& condition = *HZ_TRY(call.tensor(1));
  if (condition.dtype != Dtype::boolean) return call.bad_dtype(condition.dtype);
  const bool flat = !call.given("axis");
  Shape shape = flat ? Shape{static_cast<std::int64_t>(x.count())} : x.shape;
  const std::size_t axis = flat ? 0 : HZ_TRY(call.axis(call.int_of("axis", 0), shape.size()));
  const auto [outer, n, inner] = split3(shape, axis);
  std::vector<std::size_t> kept;
  for (std::size_t i = 0; i < std::min(n, condition.data.size()); ++i)
    if (condition.data[i]) kept.push_back(i);
  shape[axis] = static_cast<std::int64_t>(kept.size());
  HZ_TRY(call.admit(shape));
  Tensor out = zeros(x.dtype, shape);
  for (std::size_t o = 0; o < outer; ++o)
    for (std::size_t r = 0; r < kept.size(); ++r)
      copy_elements(out, (o * kept.size() + r) * inner, x, (o * n + kept[r]) * inner, inner);
  call.give(0, std::move(out));
  return {};
}

Result<void> one_hot(Call& call) {
  const Tensor& where = *HZ_TRY(call.tensor(0));
  const Tensor& values = *HZ_TRY(call.tensor(2));
  const auto depth = static_cast<std::int64_t>(HZ_TRY(call.real(1)));
  if (where.dtype == Dtype::string) return call.bad_dtype(where.dtype);
  if (values.count() != 2 || depth < 1) return call.invalid("depth {} with {} values", depth, values.count());
  const auto indices = load<std::int64_t>(where);
  const std::size_t axis = HZ_TRY(call.axis(call.int_of("axis", -1), where.shape.size() + 1));
  Shape out = where.shape;
  out.insert(out.begin() + static_cast<std::ptrdiff_t>(axis), depth);
  const std::size_t count = HZ_TRY(call.admit(out));
  const auto inner = split3(out, axis).inner;
  std::vector<std::int64_t> source(count, 0);
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const std::int64_t at = indices[i] < 0 ? indices[i] + depth : indices[i];
    if (at < 0 || at >= depth) continue;
    source[(i / inner * static_cast<std::size_t>(depth) + static_cast<std::size_t>(at)) * inner + i % inner] = 1;
  }
  call.give(0, pick(values, out, source));
  return {};
}

// Boxes in order of score; one is kept unless it overlaps a kept one of the same class by more than the threshold.
Result<void> non_max_suppression(Call& call) {
  const Tensor& box_tensor = *HZ_TRY(call.tensor(0));
  const Tensor& score_tensor = *HZ_TRY(call.tensor(1));
  const auto boxes = HZ_TRY(reals(call, box_tensor)), scores = HZ_TRY(reals(call, score_tensor));
  const std::int64_t limit = call.has(2) ? HZ_TRY(call.integer(2)) : 0;
  const double overlap_max = call.has(3) ? HZ_TRY(call.real(3)) : 0;
  const bool has_score_min = call.has(4);
  const double score_min = has_score_min ? HZ_TRY(call.real(4)) : 0;
  const Shape &b = box_tensor.shape, &s = score_tensor.shape;
  if (b.size() != 3 || s.size() != 3 || b[2] != 4 || b[0] != s[0] || b[1] != s[2])
    return call.invalid("boxes and scores disagree");
  const bool centred = call.int_of("center_point_box", 0) != 0;
  struct Box {
    double y1, x1, y2, x2;
  };
  const auto box_at = [&](std::size_t batch, std::size_t i) {
    const double* p = boxes.data() + (batch * static_cast<std::size_t>(b[1]) + i) * 4;
    if (centred) return Box{p[1] - p[3] / 2, p[0] - p[2] / 2, p[1] + p[3] / 2, p[0] + p[2] / 2};
    return Box{std::min(p[0], p[2]), std::min(p[1], p[3]), std::max(p[0], p[2]), std::max(p[1], p[3])};
  };
  const auto overlap = [](const Box& p, const Box& q) {
    const double h = std::min(p.y2, q.y2) - std::max(p.y1, q.y1), w = std::min(p.x2, q.x2) - std::max(p.x1, q.x1);
    if (h <= 0 || w <= 0) return 0.0;
    const double both = h * w;
    return both / ((p.y2 - p.y1) * (p.x2 - p.x1) + (q.y2 - q.y1) * (q.x2 - q.x1) - both);
  };
  std::vector<std::int64_t> out;
  for (std::size_t batch = 0; batch < static_cast<std::size_t>(s[0]); ++batch)
    for (std::size_t c = 0; c < static_cast<std::size_t>(s[1]); ++c) {
      const double* score =
          scores.data() + (batch * static_cast<std::size_t>(s[1]) + c) * static_cast<std::size_t>(s[2]);
      std::vector<std::size_t> order;
      for (std::size_t i = 0; i < static_cast<std::size_t>(s[2]); ++i)
        if (!has_score_min || score[i] > score_min) order.push_back(i);
      std::ranges::stable_sort(order, [&](std::size_t p, std::size_t q) { return less(score[q], score[p]); });
      std::vector<Box> kept;
      for (const std::size_t i : order) {
        if (static_cast<std::int64_t>(kept.size()) >= limit) break;
        const Box box = box_at(batch, i);
        HZ_TRY(call.work(static_cast<double>(kept.size()) + 1));
        if (std::ranges::any_of(kept, [&](const Box& k) { return overlap(k, box) > overlap_max; })) continue;
        kept.push_back(box);
        for (const std::size_t v : {batch, c, i}) out.push_back(static_cast<std::int64_t>(v));
      }
    }
  const Shape shape{static_cast<std::int64_t>(out.size() / 3), 3};
  HZ_TRY(call.admit(shape));
  call.give(0, store(Dtype::int64, shape, out));
  return {};
}

constexpr OpRow rows[] = {
    {"TopK", top_k},           {"Unique", unique, 11}, {"NonZero", non_zero, 9},
    {"Compress", compress, 9}, {"OneHot", one_hot, 9}, {"NonMaxSuppression", non_max_suppression, 10},
};

}  // namespace

std::span<const OpRow> select_ops() { return rows; }

}  // namespace hz::refrt
