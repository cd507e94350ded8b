#include "refrt/shape.h"

#include <algorithm>

namespace hz::refrt {

std::int64_t product(std::span<const std::int64_t> dims) {
  std::int64_t out = 1;
  for (const std::int64_t d : dims) out *= d;
  return out;
}

Shape strides_of(const Shape& shape) {
  Shape out(shape.size(), 1);
  for (std::size_t d = shape.size(); d-- > 1;) out[d - 1] = out[d] * std::max<std::int64_t>(shape[d], 1);
  return out;
}

Shape broadcast_strides(const Shape& from, const Shape& to) {
  Shape out(to.size(), 0);
  const Shape own = strides_of(from);
  for (std::size_t d = 0; d < from.size(); ++d)
    if (from[d] != 1) out[to.size() - from.size() + d] = own[d];
  return out;
}

Result<Shape> broadcast(const Call& call, const Shape& a, const Shape& b) {
  Shape out(std::max(a.size(), b.size()));
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1, y = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (x != y && x != 1 && y != 1) return call.invalid("shapes {} and {} do not broadcast", text(a), text(b));
    out[out.size() - 1 - i] = x == 1 ? y : x;
  }
  return out;
}

Split3 split3(const Shape& shape, std::size_t begin, std::size_t end) {
  const std::span<const std::int64_t> all(shape);
  return {static_cast<std::size_t>(product(all.first(begin))),
          static_cast<std::size_t>(product(all.subspan(begin, end - begin))),
          static_cast<std::size_t>(product(all.subspan(end)))};
}

std::vector<std::int64_t> offsets(const Shape& shape, const Shape& strides, std::int64_t base) {
  std::vector<std::int64_t> out;
  out.reserve(static_cast<std::size_t>(product(shape)));
  walk<1>(shape, {strides},
          [&](const auto& at, std::int64_t n, const auto& step) {
            for (std::int64_t i = 0; i < n; ++i) out.push_back(at[0] + i * step[0]);
          },
          {base});
  return out;
}

}  // namespace hz::refrt
