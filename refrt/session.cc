// Loading checks the whole graph once; running walks its nodes in order and keeps every edge in a scope by name.
#include <algorithm>
#include <deque>
#include <unordered_map>
#include <unordered_set>

#include "refrt/operators.h"

namespace hz::refrt {

namespace {

using onnx::Graph;
using onnx::Node;

std::string label(const Node& node) {
  return node.name.empty() ? (node.outputs.empty() ? "?" : node.outputs[0]) : node.name;
}

// Names an inner graph may use: its own and those of the graphs around it.
struct Names {
  const Names* outer = nullptr;
  std::unordered_set<std::string_view> own = {};
  bool knows(std::string_view name) const { return own.contains(name) || (outer && outer->knows(name)); }
};

// What an element may cost in memory: its wide copy and its result, or a string as long as the longest one in sight.
void note_strings(std::int64_t& element_bytes, std::span<const std::string> strings) {
  for (const std::string& s : strings)
    element_bytes = std::max(element_bytes, 64 + static_cast<std::int64_t>(s.size()));
}

// Checks one graph and those inside it, and raises element_bytes by the strings it finds.
Result<void> check(const onnx::Model& model, const Graph& graph, const Names* outer, int depth_left,
                   std::int64_t& element_bytes) {
  if (depth_left < 0) return fail(why("refrt.limit"), "graph {}: nested too deep", graph.name);
  Names names{.outer = outer};
  for (const auto& info : graph.inputs) names.own.insert(info.name);
  for (const auto& t : graph.initializers) {
    names.own.insert(t.name);
    note_strings(element_bytes, t.strings);
  }
  for (const Node& node : graph.nodes) {
    const std::int64_t opset = model.opset(node.domain);
    if (!find_op(node.op_type, node.domain, opset))
      return fail(why("refrt.unsupported"), "node {}: operator {} of domain {} at opset {}", label(node), node.op_type,
                  node.domain.empty() ? "ai.onnx" : node.domain, opset);
    for (const std::string& input : node.inputs)
      if (!input.empty() && !names.knows(input))
        return fail(why("refrt.invalid"), "node {} ({}): input {} is not computed before it", label(node), node.op_type,
                    input);
    if (node.op_type.starts_with("Cast"))
      element_bytes = std::max<std::int64_t>(element_bytes, 100);  // numbers as text
    for (const auto& attribute : node.attributes) {
      if (attribute.g) HZ_TRY(check(model, *attribute.g, &names, depth_left - 1, element_bytes));
      if (attribute.t) note_strings(element_bytes, attribute.t->strings);
      note_strings(element_bytes, attribute.strings);
      if (!attribute.s.empty()) note_strings(element_bytes, std::span(&attribute.s, 1));
    }
    for (const std::string& output : node.outputs)
      if (!output.empty() && !names.own.insert(output).second)
        return fail(why("refrt.invalid"), "node {} ({}): {} is computed twice", label(node), node.op_type, output);
  }
  for (const auto& info : graph.outputs)
    if (!names.knows(info.name))
      return fail(why("refrt.invalid"), "graph {}: output {} is never computed", graph.name, info.name);
  return {};
}

struct Scope {
  const Scope* outer = nullptr;
  std::unordered_map<std::string_view, const Value*> by_name = {};
  std::deque<Value> owned = {};  // addresses stay valid

  const Value* find(std::string_view name) const {
    const auto it = by_name.find(name);
    if (it != by_name.end()) return it->second;
    return outer ? outer->find(name) : nullptr;
  }
  void keep(std::string_view name, Value value) {
    owned.push_back(std::move(value));
    by_name[name] = &owned.back();
  }
};

// Every kernel relies on this: as many elements as the shape says.
bool sound(const Tensor& t) {
  if (t.dtype == Dtype::string) return t.strings.size() == t.count();
  return t.data.size() == t.count() * onnx::dtype_size(t.dtype) && onnx::dtype_size(t.dtype) != 0;
}
bool sound(const Value& v) {
  if (v.type == Value::Type::tensor) return sound(v.tensor);
  return std::ranges::all_of(v.sequence, [](const Tensor& t) { return sound(t); });
}

// Even an empty tensor has a shape that loops run over: [1099511627776, 0] is as refused as a full one.
Result<void> check_size(const Tensor& t, const Limits& limits) {
  std::int64_t bound = 1;
  for (const std::int64_t dim : t.shape) {
    if (dim < 0) return fail(why("refrt.invalid"), "tensor {}: shape {}", t.name, text(t.shape));
    if (dim > 1 && bound > limits.elements_max / dim)
      return fail(why("refrt.limit"), "tensor {}: {} has more than {} elements", t.name, text(t.shape),
                  limits.elements_max);
    bound *= std::max<std::int64_t>(dim, 1);
  }
  return {};
}

Value as_value(const Tensor& t) {
  Value out;
  out.type = Value::Type::tensor;
  out.tensor = t;
  return out;
}

Result<std::vector<Value>> execute(const onnx::Model& model, const Graph& graph, Scope& scope, Budget& budget);

Result<void> step(const onnx::Model& model, const Node& node, Scope& scope, Budget& budget) {
  std::vector<const Value*> inputs;
  for (const std::string& name : node.inputs) inputs.push_back(name.empty() ? nullptr : scope.find(name));
  // An empty optional is still an input; only a name that was left out is null.
  Call call{.node = node,
            .opset = model.opset(node.domain),
            .inputs = inputs,
            .outputs = std::vector<Value>(node.outputs.size()),
            .budget = budget};
  call.subgraph = [&](const Graph& inner, std::vector<Value> values) -> Result<std::vector<Value>> {
    if (budget.depth_left == 0) return fail(why("refrt.limit"), "{}: subgraphs nested too deep", call.where());
    if (values.size() != inner.inputs.size())
      return call.invalid("graph {} takes {} inputs, {} given", inner.name, inner.inputs.size(), values.size());
    Scope nested{.outer = &scope};
    for (std::size_t i = 0; i < values.size(); ++i) nested.keep(inner.inputs[i].name, std::move(values[i]));
    --budget.depth_left;
    auto out = execute(model, inner, nested, budget);
    ++budget.depth_left;
    return out;
  };
  HZ_TRY(call.work(100));
  HZ_TRY(find_op(node.op_type, node.domain, call.opset)->run(call));
  for (const Value& value : call.outputs)
    if (!sound(value)) return call.unsupported("an element type it has no arithmetic for");
  for (std::size_t i = 0; i < node.outputs.size(); ++i)
    if (!node.outputs[i].empty()) scope.keep(node.outputs[i], std::move(call.outputs[i]));
  return {};
}

Result<std::vector<Value>> execute(const onnx::Model& model, const Graph& graph, Scope& scope, Budget& budget) {
  for (const Tensor& t : graph.initializers) {
    if (scope.by_name.contains(t.name)) continue;
    HZ_TRY(budget.charge(t.name, t.shape));
    if (!sound(t)) return fail(why("refrt.invalid"), "initializer {}: data and shape disagree", t.name);
    scope.keep(t.name, as_value(t));
  }
  for (const Node& node : graph.nodes) HZ_TRY(step(model, node, scope, budget));
  std::vector<Value> out;
  for (const auto& info : graph.outputs) {
    const Value* value = scope.find(info.name);
    if (!value) return fail(why("refrt.invalid"), "graph {}: output {} is never computed", graph.name, info.name);
    HZ_TRY(budget.charge(info.name, *value));
    out.push_back(*value);
    out.back().name = info.name;
    if (out.back().type == Value::Type::tensor) out.back().tensor.name = info.name;
  }
  return out;
}

Result<void> check_input(const onnx::ValueInfo& declared, const Value& given, const Limits& limits) {
  HZ_TRY(check_size(given.tensor, limits));
  for (const Tensor& t : given.sequence) HZ_TRY(check_size(t, limits));
  if (!sound(given)) return fail(why("refrt.invalid"), "input {}: data and shape disagree", declared.name);
  if (!declared.is_tensor || given.type != Value::Type::tensor) {
    if (declared.is_tensor)
      return fail(why("refrt.invalid"), "input {}: a tensor is declared, another value given", declared.name);
    return {};
  }
  const Tensor& t = given.tensor;
  bool fits = !declared.has_shape || declared.shape.size() == t.shape.size();
  for (std::size_t d = 0; fits && declared.has_shape && d < t.shape.size(); ++d)
    fits = declared.shape[d] < 0 || declared.shape[d] == t.shape[d];
  if (!fits || (declared.dtype != Dtype::undefined && declared.dtype != t.dtype))
    return fail(why("refrt.invalid"), "input {}: {}{} is declared, {}{} given", declared.name,
                onnx::dtype_name(declared.dtype), text(declared.shape), onnx::dtype_name(t.dtype), text(t.shape));
  return {};
}

}  // namespace

Result<Session> Session::load(onnx::Model model, const Limits& limits) {
  Session out;
  HZ_TRY(check(model, model.graph, nullptr, limits.depth_max, out.element_bytes_));
  // Weights become values once: copying them for every run would cost more than many a model.
  auto weights = std::make_shared<std::vector<Value>>();
  for (Tensor& t : model.graph.initializers) {
    Value& value = weights->emplace_back();
    value.type = Value::Type::tensor;
    value.name = t.name;
    HZ_TRY(check_size(t, limits));
    if (!sound(t)) return fail(why("refrt.invalid"), "initializer {}: data and shape disagree", t.name);
    value.tensor = std::move(t);
  }
  model.graph.initializers.clear();
  out.weights_ = std::move(weights);
  out.model_ = std::make_shared<const onnx::Model>(std::move(model));
  out.limits_ = limits;
  return out;
}

Result<std::vector<Value>> Session::run(std::span<const Value> inputs) const {
  const Graph& graph = model_->graph;
  Scope scope;
  for (const Value& value : *weights_) scope.by_name[value.name] = &value;
  std::int64_t element_bytes = element_bytes_;
  for (const Value& value : inputs) {
    note_strings(element_bytes, value.tensor.strings);
    for (const Tensor& t : value.sequence) note_strings(element_bytes, t.strings);
  }
  std::size_t next = 0;
  for (const auto& info : graph.inputs) {
    if (scope.by_name.contains(info.name)) continue;
    if (next == inputs.size())
      return fail(why("refrt.invalid"), "input {} is missing: {} given", info.name, inputs.size());
    HZ_TRY(check_input(info, inputs[next], limits_));
    scope.by_name[info.name] = &inputs[next++];
  }
  if (next != inputs.size())
    return fail(why("refrt.invalid"), "the graph takes {} inputs, {} given", next, inputs.size());
  Budget budget{.elements_max = limits_.elements_max,
                .bytes_left = limits_.bytes_max,
                .element_bytes = element_bytes,
                .work_left = limits_.work_max,
                .depth_left = limits_.depth_max};
  return execute(*model_, graph, scope, budget);
}

}  // namespace hz::refrt
