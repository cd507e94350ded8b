// One execution of one node: its inputs, attributes, outputs and what it may still spend.
#pragma once
#include <fmt/core.h>

#include <functional>
#include <span>

#include "onnx/model.h"
#include "refrt/reasons.h"
#include "refrt/refrt.h"

namespace hz::refrt {

using onnx::Dtype;
using onnx::Tensor;
using onnx::Value;
using Shape = std::vector<std::int64_t>;

std::string text(const Shape& shape);  // "[2,3]"
bool is_real(Dtype dtype);             // float16, bfloat16, float32, float64
bool is_integer(Dtype dtype);          // signed and unsigned, not bool

// What is left of a run's limits.
struct Budget {
  std::int64_t elements_max = 0;
  std::int64_t bytes_left = 0;
  std::int64_t element_bytes = 16;  // the wide working copy and the result
  double work_left = 0;
  int depth_left = 0;

  // Pays for a tensor or value about to be made. Errors: refrt.limit, refrt.invalid (a negative dimension); `what`
  // stands in front of the detail.
  Result<std::size_t> charge(std::string_view what, const Shape& shape);
  Result<void> charge(std::string_view what, const Value& value);
};

class Call {
 public:
  const onnx::Node& node;
  std::int64_t opset;                    // of the node's domain
  std::span<const Value* const> inputs;  // null where an optional input is left out
  std::vector<Value> outputs;            // one per name in the node
  Budget& budget;
  // Runs an attribute's graph inside the scope of this node.
  std::function<Result<std::vector<Value>>(const onnx::Graph&, std::vector<Value>)> subgraph = {};

  // Inputs. tensor(i) refuses an absent input or a sequence; find(i) is null for an absent one.
  bool has(std::size_t i) const { return i < inputs.size() && inputs[i] != nullptr; }
  Result<const Tensor*> tensor(std::size_t i) const;
  const Tensor* find(std::size_t i) const;
  // An integer tensor as a list (axes, shapes, pads).
  Result<std::vector<std::int64_t>> integers(std::size_t i) const;
  // The same from the input when present, else from the attribute: many operators moved it there over time.
  Result<std::vector<std::int64_t>> integers_or(std::size_t i, std::string_view attribute) const;
  Result<std::int64_t> integer(std::size_t i) const;
  Result<double> real(std::size_t i) const;

  // Attributes, with the operator's default.
  bool given(std::string_view name) const { return node.find(name) != nullptr; }
  std::int64_t int_of(std::string_view name, std::int64_t otherwise) const;
  double float_of(std::string_view name, double otherwise) const;
  std::string string_of(std::string_view name, std::string_view otherwise) const;
  std::vector<std::int64_t> ints_of(std::string_view name) const;
  Result<const onnx::Graph*> graph_of(std::string_view name) const;

  // -rank..rank-1 to 0..rank-1.
  Result<std::size_t> axis(std::int64_t axis, std::size_t rank) const;
  Result<std::vector<bool>> axis_set(std::span<const std::int64_t> axes, std::size_t rank) const;

  // The element count of a shape this node wants to make, charged against the limits. Call before allocating.
  Result<std::size_t> admit(const Shape& shape) const;
  Result<void> admit(const Value& value) const;  // a copy
  Result<void> work(double steps) const;

  // Sets an output the node asked for; does nothing for one it left out.
  void give(std::size_t i, Value value);
  void give(std::size_t i, Tensor tensor);
  bool wants(std::size_t i) const { return i < node.outputs.size() && !node.outputs[i].empty(); }

  std::string where() const;  // "node name (Op-13) on float32[2,3], int64[1]"
  template <class... Args>
  std::unexpected<Error> invalid(fmt::format_string<Args...> format, Args&&... args) const {
    return fail(why("refrt.invalid"), "{}: {}", where(), fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  std::unexpected<Error> unsupported(fmt::format_string<Args...> format, Args&&... args) const {
    return fail(why("refrt.unsupported"), "{}: {}", where(), fmt::format(format, std::forward<Args>(args)...));
  }
  std::unexpected<Error> bad_dtype(Dtype dtype) const;
};

// One row per operator; `since` and `until` are opset versions, both included. A model whose opset lies outside is
// refused.
inline constexpr int opset_max = 18;
struct OpRow {
  std::string_view op_type;
  Result<void> (*run)(Call&);
  int since = 1;
  int until = opset_max;
  std::string_view domain = "";
};

}  // namespace hz::refrt
