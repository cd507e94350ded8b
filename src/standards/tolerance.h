// When are two answers the same? One rule for operators, whole models and products.
//
// The simpler idea that failed: |got - want| <= atol + rtol*|want| element by element, as the ONNX backend tests do. An
// absolute term is blind to scale: a discrete Fourier transform with values near 945 misses by 3e-4 on elements near
// zero (3e-7 of the tensor's peak, as good as float32 gets) and fails, while a tensor of values near 1e-8 may be all
// wrong and pass. Distance in ULP fails the other way round: elements near zero differ by 266,241 ULP in a perfectly
// good answer. So the floor is tied to the tensor itself: with peak = largest finite |want|,
//
//   float element:  |got - want| <= rtol*|want| + c*peak        NaN and infinities must stand in the same places
//   anything else:  exactly equal
//   always:         same number of values, same types, same dtype, same shape
//
// Measured on 1,072 official cases: docs/decisions/0070.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/fields.h"
#include "onnx/model.h"

namespace hz::standards {

// What the compared values are answers of. A whole model may accumulate a little more than one operator.
enum class Scope : std::uint8_t { one_operator, whole_model };

struct Tolerance {
  double rtol = 0;
  double c = 0;
};
// {0, 0} for every dtype that is compared exactly.
Tolerance tolerance_of(onnx::Dtype dtype, Scope scope);

enum class Match : std::uint8_t { equal, within, different };
// The first thing that differs, in the order it is looked at.
enum class Difference : std::uint8_t { none, structure, dtype, shape, value };

constexpr auto enum_names(Match) {
  return std::array<EnumName<Match>, 3>{
      {{Match::equal, "equal"}, {Match::within, "within"}, {Match::different, "different"}}};
}
constexpr auto enum_names(Difference) {
  return std::array<EnumName<Difference>, 5>{{{Difference::none, "none"},
                                              {Difference::structure, "structure"},
                                              {Difference::dtype, "dtype"},
                                              {Difference::shape, "shape"},
                                              {Difference::value, "value"}}};
}

// The element furthest beyond its allowance, or, when all are within, nearest to it.
struct Witness {
  std::size_t output = 0;    // which output value
  std::int64_t item = -1;    // which tensor of a sequence; -1 when the output is a tensor
  std::size_t index = 0;     // flat, row-major
  std::string at;            // the same as "[0,3,7]"
  std::string got, want;     // as text with enough digits to be exact
  std::uint64_t ulp = 0;     // distance in units of the dtype's last place; 0 for exact types
  double error = 0;          // |got - want|; infinite when only one is finite
  double peak_relative = 0;  // error / peak
  double excess = 0;         // error / allowance: above 1 is different
};

struct Comparison {
  Match match = Match::equal;
  Difference difference = Difference::none;
  std::string text;  // one sentence naming the worst witness or the difference; empty when equal
  Witness worst;
  std::size_t elements = 0;  // compared
  std::size_t beyond = 0;    // elements beyond their allowance
};

// Pure. O(elements); bytes that are equal cost one memcmp.
Comparison compare(const std::vector<onnx::Value>& got, const std::vector<onnx::Value>& want, Scope scope);
Comparison compare(const onnx::Tensor& got, const onnx::Tensor& want, Scope scope);
// Dtype, shape and structure only: for outputs that are random by definition.
Comparison compare_form(const std::vector<onnx::Value>& got, const std::vector<onnx::Value>& want);

// The same values in another dtype, when every element of a float32 tensor is exactly representable in it (integers,
// bool, float64); nullopt otherwise. For runtimes that compute everything in float32.
std::optional<onnx::Tensor> read_as(const onnx::Tensor& tensor, onnx::Dtype wanted);

// The value of one float16 or bfloat16 pattern.
float from_float16(std::uint16_t bits);
float from_bfloat16(std::uint16_t bits);

}  // namespace hz::standards
