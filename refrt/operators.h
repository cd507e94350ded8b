// The operator tables of all families. Each is a constant array in its own file; operators.cc mounts them by name.
#pragma once
#include "refrt/call.h"

namespace hz::refrt {

std::span<const OpRow> unary_ops();
std::span<const OpRow> binary_ops();
std::span<const OpRow> reduce_ops();
std::span<const OpRow> matmul_ops();
std::span<const OpRow> conv_ops();
std::span<const OpRow> pool_ops();
std::span<const OpRow> norm_ops();
std::span<const OpRow> softmax_ops();
std::span<const OpRow> move_ops();
std::span<const OpRow> index_ops();
std::span<const OpRow> select_ops();
std::span<const OpRow> create_ops();
std::span<const OpRow> cast_ops();
std::span<const OpRow> quantize_ops();
std::span<const OpRow> recurrent_ops();
std::span<const OpRow> image_ops();
std::span<const OpRow> control_ops();
std::span<const OpRow> sequence_ops();
std::span<const OpRow> text_ops();
std::span<const OpRow> signal_ops();
std::span<const OpRow> training_ops();

// The row for an operator at an opset of its domain, or null.
const OpRow* find_op(std::string_view op_type, std::string_view domain, std::int64_t opset);

}  // namespace hz::refrt
