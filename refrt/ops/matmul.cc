// Products of matrices: MatMul, Gemm, Einsum, Det, and the integer form.
#include <algorithm>
#include <cmath>

#include "refrt/matmul.h"
#include "refrt/operators.h"
#include "refrt/shape.h"
#include "refrt/wide.h"

namespace hz::refrt {

namespace {

// Row by row so that the inner loop runs along memory. Four rows of b at once, added in the order of one after the
// other: the same sums, and a row of c goes through the processor a quarter as often.
[[gnu::always_inline]] inline void add_rows(const double* a, const double* b, double* c, std::int64_t m, std::int64_t k,
                                            std::int64_t n, std::int64_t c_row) {
  for (std::int64_t i = 0; i < m; ++i) {
    double* const out = c + i * c_row;
    const double* factor = a + i * k;
    std::int64_t p = 0;
    for (; p + 4 <= k; p += 4, factor += 4) {
      const double f0 = factor[0], f1 = factor[1], f2 = factor[2], f3 = factor[3];
      const double *r0 = b + p * n, *r1 = r0 + n, *r2 = r1 + n, *r3 = r2 + n;
      for (std::int64_t j = 0; j < n; ++j) out[j] = (((out[j] + f0 * r0[j]) + f1 * r1[j]) + f2 * r2[j]) + f3 * r3[j];
    }
    for (; p < k; ++p, ++factor)
      for (std::int64_t j = 0; j < n; ++j) out[j] += *factor * b[p * n + j];
  }
}
#if defined(__x86_64__)
// Twice as wide where the processor can. Without fused operations, which would round otherwise.
[[gnu::target("avx2")]] void add_rows_wide(const double* a, const double* b, double* c, std::int64_t m, std::int64_t k,
                                           std::int64_t n, std::int64_t c_row) {
  add_rows(a, b, c, m, k, n, c_row);
}
#endif

void multiply(const double* a, const double* b, double* c, std::int64_t m, std::int64_t k, std::int64_t n) {
  multiply_add(a, b, c, m, k, n, n);
}
template <class W>
void multiply(const W* a, const W* b, W* c, std::int64_t m, std::int64_t k, std::int64_t n) {
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t p = 0; p < k; ++p) {
      const W factor = a[i * k + p];
      const W* row = b + p * n;
      W* out = c + i * n;
      for (std::int64_t j = 0; j < n; ++j)
        out[j] = static_cast<W>(static_cast<std::uint64_t>(out[j]) +
                                static_cast<std::uint64_t>(factor) * static_cast<std::uint64_t>(row[j]));
    }
}

template <class W>
std::vector<W> transposed(const std::vector<W>& x, std::int64_t rows, std::int64_t columns) {
  std::vector<W> out(x.size());
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < columns; ++c) out[c * rows + r] = x[r * columns + c];
  return out;
}

}  // namespace

void multiply_add(const double* a, const double* b, double* c, std::int64_t m, std::int64_t k, std::int64_t n,
                  std::int64_t c_row) {
#if defined(__x86_64__)
  static const bool wide = __builtin_cpu_supports("avx2") != 0;
  if (wide) return add_rows_wide(a, b, c, m, k, n, c_row);
#endif
  add_rows(a, b, c, m, k, n, c_row);
}

template <class W>
Result<Product<W>> matrix_product(const Call& call, const std::vector<W>& a, Shape a_shape, const std::vector<W>& b,
                                  Shape b_shape) {
  if (a_shape.empty() || b_shape.empty()) return call.invalid("a scalar is no matrix");
  // A vector is a row on the left, a column on the right; that dimension leaves the result again.
  const bool row = a_shape.size() == 1, column = b_shape.size() == 1;
  if (row) a_shape.insert(a_shape.begin(), 1);
  if (column) b_shape.push_back(1);
  const std::int64_t m = a_shape[a_shape.size() - 2], k = a_shape.back(), n = b_shape.back();
  if (b_shape[b_shape.size() - 2] != k)
    return call.invalid("inner dimensions {} and {}", k, b_shape[b_shape.size() - 2]);
  const Shape a_batch(a_shape.begin(), a_shape.end() - 2), b_batch(b_shape.begin(), b_shape.end() - 2);
  const Shape batch = HZ_TRY(broadcast(call, a_batch, b_batch));
  Product<W> out{.shape = batch, .values = {}};
  Shape full = batch;
  full.insert(full.end(), {m, n});
  if (!row) out.shape.push_back(m);
  if (!column) out.shape.push_back(n);
  const std::size_t count = HZ_TRY(call.admit(full));
  HZ_TRY(call.work(static_cast<double>(count) * static_cast<double>(k)));
  out.values.assign(count, W{0});
  W* c = out.values.data();
  if (count != 0)
    walk<2>(batch, {broadcast_strides(a_batch, batch), broadcast_strides(b_batch, batch)},
            [&](const auto& at, std::int64_t steps, const auto& step) {
              for (std::int64_t i = 0; i < steps; ++i, c += m * n)
                multiply(a.data() + (at[0] + i * step[0]) * m * k, b.data() + (at[1] + i * step[1]) * k * n, c, m, k,
                         n);
            });
  return out;
}
template Result<Product<double>> matrix_product(const Call&, const std::vector<double>&, Shape,
                                                const std::vector<double>&, Shape);
template Result<Product<std::int64_t>> matrix_product(const Call&, const std::vector<std::int64_t>&, Shape,
                                                      const std::vector<std::int64_t>&, Shape);
template Result<Product<std::uint64_t>> matrix_product(const Call&, const std::vector<std::uint64_t>&, Shape,
                                                       const std::vector<std::uint64_t>&, Shape);

namespace {

Result<void> matmul(Call& call) {
  const Tensor& a = *HZ_TRY(call.tensor(0));
  const Tensor& b = *HZ_TRY(call.tensor(1));
  if (a.dtype != b.dtype) return call.invalid("operands differ in element type");
  return by_wide(call, a.dtype, [&](auto w) -> Result<void> {
    using W = decltype(w);
    auto c = HZ_TRY(matrix_product<W>(call, load<W>(a), a.shape, load<W>(b), b.shape));
    call.give(0, store(a.dtype, c.shape, c.values));
    return {};
  });
}

// alpha * A' * B' + beta * C, with C broadcast to the result.
Result<void> gemm(Call& call) {
  const Tensor& a = *HZ_TRY(call.tensor(0));
  const Tensor& b = *HZ_TRY(call.tensor(1));
  if (a.shape.size() != 2 || b.shape.size() != 2) return call.invalid("matrices are needed");
  for (const Tensor* t : {&a, &b, call.find(2)})
    if (t && t->dtype != a.dtype) return call.invalid("operands differ in element type");
  const double alpha = call.float_of("alpha", 1), beta = call.float_of("beta", 1);
  return by_wide(call, a.dtype, [&](auto w) -> Result<void> {
    using W = decltype(w);
    auto va = load<W>(a), vb = load<W>(b);
    Shape sa = a.shape, sb = b.shape;
    if (call.int_of("transA", 0) != 0) va = transposed(va, sa[0], sa[1]), std::swap(sa[0], sa[1]);
    if (call.int_of("transB", 0) != 0) vb = transposed(vb, sb[0], sb[1]), std::swap(sb[0], sb[1]);
    auto product = HZ_TRY(matrix_product<W>(call, va, sa, vb, sb));
    if (alpha != 1)
      for (W& v : product.values) {
        if constexpr (std::is_floating_point_v<W>)
          v *= alpha;
        else
          v = convert_scaled(alpha, v);
      }
    if (const Tensor* c = call.find(2)) {
      if (HZ_TRY(broadcast(call, product.shape, c->shape)) != product.shape)
        return call.invalid("C does not fit the result");
      const auto vc = load<W>(*c);
      std::size_t to = 0;
      walk<1>(product.shape, {broadcast_strides(c->shape, product.shape)},
              [&](const auto& at, std::int64_t n, const auto& step) {
                for (std::int64_t i = 0; i < n; ++i, ++to) {
                  const W add = vc[static_cast<std::size_t>(at[0] + i * step[0])];
                  if constexpr (std::is_floating_point_v<W>)
                    product.values[to] += beta * add;
                  else
                    product.values[to] = static_cast<W>(static_cast<std::uint64_t>(product.values[to]) +
                                                        static_cast<std::uint64_t>(convert_scaled(beta, add)));
                }
              });
    }
    call.give(0, store(a.dtype, product.shape, product.values));
    return {};
  });
}

// Every label is an axis; operand k's stride along a label is the sum of its strides where the label stands (a repeated
// label walks a diagonal), and 0 where it is missing. One walk over all labels adds up the products.
Result<void> einsum(Call& call) {
  std::string equation;
  for (const char c : call.string_of("equation", ""))
    if (c != ' ') equation += c;
  constexpr std::size_t operands_max = 4;
  if (call.inputs.empty() || call.inputs.size() > operands_max)
    return call.unsupported("{} operands", call.inputs.size());

  const auto arrow = equation.find("->");
  std::vector<std::string> terms(1);
  for (const char c : equation.substr(0, arrow)) {
    if (c == ',')
      terms.emplace_back();
    else
      terms.back() += c;
  }
  if (terms.size() != call.inputs.size()) return call.invalid("equation {} has {} terms", equation, terms.size());
  // The axes an ellipsis stands for get the labels '0', '1', ..., counted from the right.
  std::size_t dots = 0;
  const auto ellipsis = [](std::size_t n) {
    std::string out;
    while (n-- > 0) out += static_cast<char>('0' + n);
    return out;
  };
  for (std::size_t k = 0; k < terms.size(); ++k) {
    const Tensor& t = *HZ_TRY(call.tensor(k));
    const auto at = terms[k].find("...");
    if (at == std::string::npos) continue;
    if (t.shape.size() + 3 < terms[k].size() || t.shape.size() > 40) return call.invalid("equation {}", equation);
    const std::size_t n = t.shape.size() + 3 - terms[k].size();
    dots = std::max(dots, n);
    terms[k].replace(at, 3, ellipsis(n));
  }
  std::string out;
  if (arrow != std::string::npos) {
    out = equation.substr(arrow + 2);
    if (const auto at = out.find("..."); at != std::string::npos) out.replace(at, 3, ellipsis(dots));
  } else {
    // Without an arrow: the ellipsis, then the labels that stand once, in alphabetical order.
    std::string all;
    for (const auto& term : terms) all += term;
    std::string once;
    for (const char c : all)
      if (std::ranges::count(all, c) == 1 && (c < '0' || c > '9')) once += c;
    std::ranges::sort(once);
    out = ellipsis(dots) + once;
  }
  std::string labels = out;
  for (const auto& term : terms)
    for (const char c : term)
      if (labels.find(c) == std::string::npos) labels += c;
  Shape sizes(labels.size(), -1);
  std::array<Shape, operands_max + 1> strides;
  strides.fill(Shape(labels.size(), 0));
  Dtype dtype = Dtype::undefined;
  for (std::size_t k = 0; k < terms.size(); ++k) {
    const Tensor& t = *call.find(k);
    if (t.shape.size() != terms[k].size()) return call.invalid("term {} for {}", terms[k], text(t.shape));
    if (dtype != Dtype::undefined && t.dtype != dtype) return call.invalid("operands differ in element type");
    dtype = t.dtype;
    const Shape own = strides_of(t.shape);
    for (std::size_t d = 0; d < t.shape.size(); ++d) {
      const auto l = labels.find(terms[k][d]);
      if (sizes[l] < 0 || sizes[l] == 1) sizes[l] = t.shape[d];
      if (t.shape[d] != 1 && t.shape[d] != sizes[l])
        return call.invalid("label {} has sizes {} and {}", terms[k][d], sizes[l], t.shape[d]);
      if (t.shape[d] != 1) strides[k][l] += own[d];
    }
  }
  Shape out_shape;
  for (std::size_t l = 0; l < out.size(); ++l) {
    if (sizes[l] < 0 || out.find(out[l]) != l) return call.invalid("equation {}", equation);
    out_shape.push_back(sizes[l]);
  }
  const std::size_t count = HZ_TRY(call.admit(out_shape));
  double steps = 1;
  for (const std::int64_t s : sizes) steps *= static_cast<double>(s);
  HZ_TRY(call.work(steps));
  const Shape own = strides_of(out_shape);
  std::copy(own.begin(), own.end(), strides[operands_max].begin());
  return by_wide(call, dtype, [&](auto w) -> Result<void> {
    using W = decltype(w);
    std::array<std::vector<W>, operands_max> values;
    for (std::size_t k = 0; k < operands_max; ++k)
      values[k] = k < terms.size() ? load<W>(*call.find(k)) : std::vector<W>{W{1}};
    std::vector<W> sum(count);
    walk<operands_max + 1>(sizes, strides, [&](const auto& at, std::int64_t n, const auto& step) {
      for (std::int64_t i = 0; i < n; ++i) {
        W term{1};
        for (std::size_t k = 0; k < operands_max; ++k) {
          const W v = values[k][static_cast<std::size_t>(at[k] + i * step[k])];
          if constexpr (std::is_floating_point_v<W>)
            term *= v;
          else
            term = static_cast<W>(static_cast<std::uint64_t>(term) * static_cast<std::uint64_t>(v));
        }
        W& to = sum[static_cast<std::size_t>(at[operands_max] + i * step[operands_max])];
        if constexpr (std::is_floating_point_v<W>)
          to += term;
        else
          to = static_cast<W>(static_cast<std::uint64_t>(to) + static_cast<std::uint64_t>(term));
      }
    });
    call.give(0, store(dtype, out_shape, sum));
    return {};
  });
}

// Gaussian elimination with row pivots.
double determinant(std::vector<double> a, std::size_t n) {
  double out = 1;
  for (std::size_t c = 0; c < n; ++c) {
    std::size_t pivot = c;
    for (std::size_t r = c + 1; r < n; ++r)
      if (std::fabs(a[r * n + c]) > std::fabs(a[pivot * n + c])) pivot = r;
    if (a[pivot * n + c] == 0) return 0;
    if (pivot != c) {
      for (std::size_t j = 0; j < n; ++j) std::swap(a[pivot * n + j], a[c * n + j]);
      out = -out;
    }
    out *= a[c * n + c];
    for (std::size_t r = c + 1; r < n; ++r) {
      const double factor = a[r * n + c] / a[c * n + c];
      for (std::size_t j = c; j < n; ++j) a[r * n + j] -= factor * a[c * n + j];
    }
  }
  return out;
}

Result<void> det(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const std::size_t rank = x.shape.size();
  if (rank < 2 || x.shape[rank - 1] != x.shape[rank - 2]) return call.invalid("square matrices are needed");
  const auto n = static_cast<std::size_t>(x.shape.back());
  const auto v = HZ_TRY(reals(call, x));
  const Shape out(x.shape.begin(), x.shape.end() - 2);
  std::vector<double> values(HZ_TRY(call.admit(out)), 1);
  HZ_TRY(call.work(static_cast<double>(v.size()) * static_cast<double>(n)));
  for (std::size_t i = 0; i < values.size() && n > 0; ++i) {
    const auto from = v.begin() + static_cast<std::ptrdiff_t>(i * n * n);
    values[i] = determinant({from, from + static_cast<std::ptrdiff_t>(n * n)}, n);
  }
  call.give(0, store(x.dtype, out, values));
  return {};
}

constexpr OpRow rows[] = {
    {"MatMul", matmul},
    {"Gemm", gemm},
    {"Einsum", einsum, 12},
    {"Det", det, 11},
};

}  // namespace

std::span<const OpRow> matmul_ops() { return rows; }

}  // namespace hz::refrt
