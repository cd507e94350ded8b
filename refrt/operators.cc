#include "refrt/operators.h"

#include <algorithm>
#include <unordered_map>

namespace hz::refrt {

namespace {

constexpr std::span<const OpRow> (*families[])() = {
    unary_ops,     binary_ops, reduce_ops,  matmul_ops,   conv_ops,   pool_ops,   norm_ops,
    softmax_ops,   move_ops,   index_ops,   select_ops,   create_ops, cast_ops,   quantize_ops,
    recurrent_ops, image_ops,  control_ops, sequence_ops, text_ops,   signal_ops, training_ops,
};

using Table = std::unordered_map<std::string_view, std::vector<const OpRow*>>;
const Table& table() {
  static const Table built = [] {
    Table out;
    for (const auto family : families)
      for (const OpRow& row : family()) out[row.op_type].push_back(&row);
    return out;
  }();
  return built;
}

}  // namespace

const OpRow* find_op(std::string_view op_type, std::string_view domain, std::int64_t opset) {
  const auto it = table().find(op_type);
  if (it == table().end()) return nullptr;
  for (const OpRow* row : it->second)
    if (row->domain == domain && row->since <= opset && opset <= row->until) return row;
  return nullptr;
}

std::span<const std::string> operators() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> out;
    for (const auto& [name, rows] : table())
      for (const OpRow* row : rows)
        out.push_back(row->domain.empty() ? std::string(name) : fmt::format("{}.{}", row->domain, name));
    std::ranges::sort(out);
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
  }();
  return names;
}

}  // namespace hz::refrt
