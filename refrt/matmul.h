// The matrix product of numpy, shared by MatMul, Gemm and the quantized forms.
#pragma once
#include "refrt/call.h"

namespace hz::refrt {

template <class W>
struct Product {
  Shape shape;
  std::vector<W> values;
};
// W: double, std::int64_t or std::uint64_t. Batches broadcast. Errors: refrt.invalid, refrt.limit.
template <class W>
Result<Product<W>> matrix_product(const Call& call, const std::vector<W>& a, Shape a_shape, const std::vector<W>& b,
                                  Shape b_shape);

// c[m,n] += a[m,k] b[k,n], each sum in the order of k; rows of c are `c_row` numbers apart.
void multiply_add(const double* a, const double* b, double* c, std::int64_t m, std::int64_t k, std::int64_t n,
                  std::int64_t c_row);

// round-toward-zero beta * v for the integer forms of Gemm, saturating.
template <class W>
W convert_scaled(double factor, W v) {
  if (factor == 1) return v;
  const double product = factor * static_cast<double>(v);
  if (!(product > -9.2e18 && product < 9.2e18)) return W{0};
  return static_cast<W>(static_cast<std::int64_t>(product));
}

}  // namespace hz::refrt
