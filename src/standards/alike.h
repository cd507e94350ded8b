// Two servers' answers to the same request, compared as golden sets are: first class by row, and the logits rule.
//
// A golden set has a reference and labels; a client's request has neither. What is left is whether the two agree. The
// answers are read as the client's wish made them, in either form of the Open Inference Protocol. The simpler idea,
// equal bytes, calls every pair of engines different: they round differently and print other digits.
#pragma once
#include <vector>

#include "onnx/model.h"
#include "standards/tolerance.h"

namespace hz::standards {

// The outputs of an infer answer: JSON data, flat or nested, or binary tensors after the JSON part, whose end is found
// by its braces. At most 64 MiB of JSON. Safe on any bytes. Errors: standards.oip.
Result<std::vector<onnx::Value>> read_infer_answer(ByteView body);

struct Alike {
  // Rows of logits (the last dimension, at least two long) whose first class counts, and those where it is the same;
  // ties of `want` are left out, as judge_golden leaves them out. Any other output counts as one row, which agrees when
  // it is not different by the rule of its type.
  std::int64_t judged = 0, agreeing = 0;
  Match logits = Match::different;  // over all outputs
};
// Different names, types or shapes: one row, which does not agree. Pure; O(elements).
Alike alike(const std::vector<onnx::Value>& got, const std::vector<onnx::Value>& want);

}  // namespace hz::standards
