// Golden sets: labelled cases of one product with reference answers (docs/formats/golden.md), and the judgement of what
// a backend answered on them.
#pragma once
#include <string>
#include <vector>

#include "onnx/model.h"
#include "standards/tolerance.h"
#include "standards/verdict.h"

namespace hz::standards {

struct Golden {
  std::string product;
  std::string digest;  // SHA-256 of the file, hex
  std::size_t cases = 0;
  std::string input_name;
  onnx::Dtype input_dtype = onnx::Dtype::float32;
  std::vector<std::int64_t> shape;  // of one case, without the batch dimension
  Bytes inputs;                     // all cases in input_dtype, row-major
  std::vector<std::string> classes;
  std::vector<std::uint16_t> labels;  // one per case
  std::vector<float> reference;       // cases x classes, finite
  // Cases first .. first+count-1 as one tensor of shape [count, shape...].
  onnx::Tensor batch(std::size_t first, std::size_t count) const;
};

struct GoldenLimits {
  std::size_t size_bytes_max = 256u << 20;
  std::size_t cases_max = 1u << 20;
  std::size_t classes_max = 65536;
  std::size_t elements_max = 64u << 20;  // of one case
  std::size_t expanded_bytes_max = 1u << 30;
};
// Safe on any bytes. Errors: standards.golden (what and where), base.json_*.
Result<Golden> decode_golden(ByteView bytes, const GoldenLimits& limits = {});

// `count` of its cases, chosen by `seed`, as a set of its own; all of them when there are no more. Pure.
Golden sample_of(const Golden& golden, std::size_t count, std::uint64_t seed);

// What one backend's answers on a golden set are worth.
struct Judgement {
  Verdict verdict = Verdict::untested;
  std::int64_t quality_milli = 0;    // labels met, of 1000
  std::int64_t agreement_milli = 0;  // same first class as the reference, of 1000, ties left out
  std::int64_t top5_milli = 0;       // same set of the first five classes as the reference, of 1000, ties left out
  std::size_t ties = 0;              // cases whose reference margin is within the tolerance
  Match logits = Match::different;   // the whole-model rule over all logits
  std::string worst;                 // one sentence; "" when every logit is equal
};

// `logits` are cases x classes. STRICT: the logits rule holds, agreement >= 999, top five >= 990, quality >= the
// minimum and nothing was repaired. BASIC_ONLY: quality >= the minimum and agreement >= 990. FAILED: everything else,
// and every answer that does not depend on the input or repeats it. Pure; O(cases * classes).
Judgement judge_golden(const Golden& golden, const std::vector<float>& logits, std::int64_t quality_min_milli,
                       bool repaired);

}  // namespace hz::standards
