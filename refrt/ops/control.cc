// Control flow: If, Loop, Scan, SequenceMap. Bodies run in the scope of their node.
#include <algorithm>

#include "refrt/operators.h"
#include "refrt/shape.h"
#include "refrt/wide.h"

namespace hz::refrt {

namespace {

Value tensor_value(Tensor t) {
  Value out;
  out.type = Value::Type::tensor;
  out.tensor = std::move(t);
  return out;
}

Result<void> condition(Call& call) {
  const Tensor& c = *HZ_TRY(call.tensor(0));
  if (c.dtype != Dtype::boolean || c.count() != 1) return call.invalid("the condition must be one bool");
  auto out = HZ_TRY(call.subgraph(*HZ_TRY(call.graph_of(c.data[0] ? "then_branch" : "else_branch")), {}));
  if (out.size() < call.outputs.size()) return call.invalid("the branch gives {} values", out.size());
  for (std::size_t i = 0; i < call.outputs.size(); ++i) call.give(i, std::move(out[i]));
  return {};
}

// Slices of equal shape, laid one behind another along a new axis.
Result<Tensor> stacked(const Call& call, const std::vector<Tensor>& parts, std::int64_t at, bool backwards,
                       const onnx::ValueInfo& info) {
  if (parts.empty()) {
    // Nothing ran: the shape is that of the body's declaration, unknown dimensions being 0.
    Shape shape{0};
    for (const std::int64_t d : info.shape) shape.push_back(std::max<std::int64_t>(d, 0));
    if (info.dtype == Dtype::undefined) return call.unsupported("an empty scan output of unknown type");
    HZ_TRY(call.admit(shape));
    return zeros(info.dtype, shape);
  }
  for (const Tensor& t : parts)
    if (t.shape != parts[0].shape || t.dtype != parts[0].dtype) return call.invalid("scan outputs change shape");
  const std::size_t axis = HZ_TRY(call.axis(at, parts[0].shape.size() + 1));
  Shape shape = parts[0].shape;
  shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(axis), static_cast<std::int64_t>(parts.size()));
  HZ_TRY(call.admit(shape));
  Tensor out = zeros(parts[0].dtype, shape);
  const auto [outer, n, inner] = split3(shape, axis);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t o = 0; o < outer; ++o)
      copy_elements(out, (o * n + i) * inner, parts[backwards ? n - 1 - i : i], o * inner, inner);
  return out;
}

Result<void> loop(Call& call) {
  const onnx::Graph& body = *HZ_TRY(call.graph_of("body"));
  const bool counted = call.has(0);
  const std::int64_t trips = counted ? HZ_TRY(call.integer(0)) : 0;
  bool go = !call.has(1) || HZ_TRY(call.real(1)) != 0;
  const std::size_t carried = call.inputs.size() > 2 ? call.inputs.size() - 2 : 0;
  if (body.inputs.size() != carried + 2 || body.outputs.size() < carried + 1)
    return call.invalid("the body takes {} values", body.inputs.size());
  const std::size_t scans = body.outputs.size() - carried - 1;
  if (call.outputs.size() > carried + scans) return call.invalid("{} outputs", call.outputs.size());
  std::vector<Value> state;
  for (std::size_t i = 0; i < carried; ++i)
    if (call.has(i + 2)) HZ_TRY(call.admit(*call.inputs[i + 2]));
  for (std::size_t i = 0; i < carried; ++i) state.push_back(call.has(i + 2) ? *call.inputs[i + 2] : Value());
  std::vector<std::vector<Tensor>> parts(scans);
  for (std::int64_t i = 0; go && (!counted || i < trips); ++i) {
    HZ_TRY(call.work(1000));
    std::vector<Value> in{tensor_value(store(Dtype::int64, {}, std::vector<std::int64_t>{i})),
                          tensor_value(store(Dtype::boolean, {}, std::vector<std::int64_t>{1}))};
    for (Value& v : state) in.push_back(std::move(v));
    auto out = HZ_TRY(call.subgraph(body, std::move(in)));
    if (out[0].type != Value::Type::tensor || out[0].tensor.count() != 1 || out[0].tensor.dtype != Dtype::boolean)
      return call.invalid("the body's condition must be one bool");
    go = out[0].tensor.data[0] != 0;
    for (std::size_t k = 0; k < carried; ++k) state[k] = std::move(out[k + 1]);
    for (std::size_t k = 0; k < scans; ++k) {
      if (out[carried + 1 + k].type != Value::Type::tensor) return call.invalid("a scan output is not a tensor");
      parts[k].push_back(std::move(out[carried + 1 + k].tensor));
    }
  }
  for (std::size_t k = 0; k < carried; ++k) call.give(k, std::move(state[k]));
  for (std::size_t k = 0; k < scans; ++k)
    if (call.wants(carried + k))
      call.give(carried + k, HZ_TRY(stacked(call, parts[k], 0, false, body.outputs[carried + 1 + k])));
  return {};
}

// The slice of x at position i of an axis, the axis removed.
Result<Tensor> slice_at(const Call& call, const Tensor& x, std::size_t axis, std::size_t i) {
  Shape shape = x.shape;
  shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(axis));
  HZ_TRY(call.admit(shape));
  Tensor out = zeros(x.dtype, shape);
  const auto [outer, n, inner] = split3(x.shape, axis);
  for (std::size_t o = 0; o < outer; ++o) copy_elements(out, o * inner, x, (o * n + i) * inner, inner);
  return out;
}

struct ScanRule {
  std::size_t states = 0, scans = 0;
  std::vector<std::int64_t> in_axes, in_directions, out_axes, out_directions;
};
// One scan: final states, then stacked outputs.
Result<std::vector<Value>> scan_once(Call& call, const onnx::Graph& body, const ScanRule& rule,
                                     std::vector<Value> state, const std::vector<Tensor>& inputs) {
  const auto at = [](const std::vector<std::int64_t>& list, std::size_t i) { return i < list.size() ? list[i] : 0; };
  std::int64_t times = -1;
  std::vector<std::size_t> axes;
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    axes.push_back(HZ_TRY(call.axis(at(rule.in_axes, k), inputs[k].shape.size())));
    const std::int64_t n = inputs[k].shape[axes[k]];
    if (times >= 0 && n != times) return call.invalid("scan inputs of lengths {} and {}", times, n);
    times = n;
  }
  if (body.outputs.size() < rule.states) return call.invalid("the body gives {} values", body.outputs.size());
  const std::size_t outs = body.outputs.size() - rule.states;
  std::vector<std::vector<Tensor>> parts(outs);
  for (std::int64_t i = 0; i < times; ++i) {
    std::vector<Value> in = std::move(state);
    for (std::size_t k = 0; k < inputs.size(); ++k)
      in.push_back(tensor_value(HZ_TRY(slice_at(
          call, inputs[k], axes[k], static_cast<std::size_t>(at(rule.in_directions, k) ? times - 1 - i : i)))));
    auto out = HZ_TRY(call.subgraph(body, std::move(in)));
    state.assign(std::make_move_iterator(out.begin()),
                 std::make_move_iterator(out.begin() + static_cast<std::ptrdiff_t>(rule.states)));
    for (std::size_t k = 0; k < outs; ++k) parts[k].push_back(std::move(out[rule.states + k].tensor));
  }
  for (std::size_t k = 0; k < outs; ++k)
    state.push_back(tensor_value(HZ_TRY(stacked(call, parts[k], at(rule.out_axes, k), at(rule.out_directions, k) != 0,
                                                body.outputs[rule.states + k]))));
  return state;
}

Result<void> scan(Call& call) {
  const onnx::Graph& body = *HZ_TRY(call.graph_of("body"));
  const bool batched = call.opset < 9;  // the first input was the lengths, and every tensor had a batch axis
  const std::size_t first = batched ? 1 : 0;
  ScanRule rule;
  rule.scans = static_cast<std::size_t>(std::clamp<std::int64_t>(call.int_of("num_scan_inputs", 0), 0, 1 << 20));
  if (call.inputs.size() < first + rule.scans || rule.scans == 0) return call.invalid("{} scan inputs", rule.scans);
  rule.states = call.inputs.size() - first - rule.scans;
  if (batched) {
    if (call.has(0)) return call.unsupported("sequence lengths");
    rule.in_directions = call.ints_of("directions");
  } else {
    rule.in_axes = call.ints_of("scan_input_axes");
    rule.in_directions = call.ints_of("scan_input_directions");
    rule.out_axes = call.ints_of("scan_output_axes");
    rule.out_directions = call.ints_of("scan_output_directions");
  }
  std::vector<Tensor> states, scans;
  for (std::size_t i = first; i < call.inputs.size(); ++i)
    (i - first < rule.states ? states : scans).push_back(*HZ_TRY(call.tensor(i)));
  const auto values = [](const std::vector<Tensor>& list) {
    std::vector<Value> out;
    for (const Tensor& t : list) out.push_back(tensor_value(t));
    return out;
  };
  std::vector<Value> out;
  if (!batched) {
    out = HZ_TRY(scan_once(call, body, rule, values(states), scans));
  } else {
    if (scans[0].shape.empty()) return call.invalid("a batch axis is needed");
    std::vector<std::vector<Tensor>> rows;
    for (std::size_t n = 0; n < static_cast<std::size_t>(scans[0].shape[0]); ++n) {
      const auto row = [&](const std::vector<Tensor>& list) -> Result<std::vector<Tensor>> {
        std::vector<Tensor> part;
        for (const Tensor& t : list) {
          if (t.shape.empty() || t.shape[0] != scans[0].shape[0]) return call.invalid("batch sizes differ");
          part.push_back(HZ_TRY(slice_at(call, t, 0, n)));
        }
        return part;
      };
      const auto result = HZ_TRY(scan_once(call, body, rule, values(HZ_TRY(row(states))), HZ_TRY(row(scans))));
      rows.resize(result.size());
      for (std::size_t k = 0; k < result.size(); ++k) rows[k].push_back(result[k].tensor);
    }
    for (const auto& parts : rows) out.push_back(tensor_value(HZ_TRY(stacked(call, parts, 0, false, {}))));
  }
  if (out.size() < call.outputs.size()) return call.invalid("the body gives {} values", out.size());
  for (std::size_t i = 0; i < call.outputs.size(); ++i) call.give(i, std::move(out[i]));
  return {};
}

// Runs the body on each element; further inputs are sequences walked along, or tensors handed to every run.
Result<void> sequence_map(Call& call) {
  const onnx::Graph& body = *HZ_TRY(call.graph_of("body"));
  if (!call.has(0) || call.inputs[0]->type != Value::Type::sequence) return call.invalid("input 0 must be a sequence");
  if (body.outputs.size() < call.outputs.size()) return call.invalid("the body gives {} values", body.outputs.size());
  const std::size_t n = call.inputs[0]->sequence.size();
  std::vector<Value> out(call.outputs.size());
  for (Value& v : out) v.type = Value::Type::sequence;
  for (std::size_t i = 0; i < n; ++i) {
    std::vector<Value> in;
    for (const Value* v : call.inputs) {
      if (!v) return call.invalid("an input is missing");
      if (v->type == Value::Type::sequence && v->sequence.size() != n)
        return call.invalid("sequences of {} and {}", n, v->sequence.size());
      HZ_TRY(call.admit(v->type == Value::Type::sequence ? v->sequence[i].shape : v->tensor.shape));
      in.push_back(v->type == Value::Type::sequence ? tensor_value(v->sequence[i]) : *v);
    }
    auto result = HZ_TRY(call.subgraph(body, std::move(in)));
    for (std::size_t k = 0; k < out.size(); ++k) out[k].sequence.push_back(std::move(result[k].tensor));
  }
  for (std::size_t k = 0; k < out.size(); ++k) call.give(k, std::move(out[k]));
  return {};
}

constexpr OpRow rows[] = {
    {"If", condition},
    {"Loop", loop},
    {"Scan", scan, 8},
    {"SequenceMap", sequence_map, 17},
};

}  // namespace

std::span<const OpRow> control_ops() { return rows; }

}  // namespace hz::refrt
