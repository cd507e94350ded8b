#include "refrt/call.h"

#include <algorithm>

#include "refrt/wide.h"

namespace hz::refrt {

std::string text(const Shape& shape) {
  std::string out = "[";
  for (const std::int64_t dim : shape) out += fmt::format("{}{}", out.size() > 1 ? "," : "", dim);
  return out + "]";
}
bool is_real(Dtype d) {
  return d == Dtype::float32 || d == Dtype::float64 || d == Dtype::float16 || d == Dtype::bfloat16;
}
bool is_integer(Dtype d) {
  return d != Dtype::boolean && !is_real(d) && onnx::dtype_size(d) != 0 && d != Dtype::complex64 &&
         d != Dtype::complex128;
}

Result<const Tensor*> Call::tensor(std::size_t i) const {
  if (!has(i)) return invalid("input {} is missing", i);
  if (inputs[i]->type != Value::Type::tensor) return invalid("input {} is not a tensor", i);
  return &inputs[i]->tensor;
}
const Tensor* Call::find(std::size_t i) const {
  return has(i) && inputs[i]->type == Value::Type::tensor ? &inputs[i]->tensor : nullptr;
}
Result<std::vector<std::int64_t>> Call::integers(std::size_t i) const {
  const Tensor& t = *HZ_TRY(tensor(i));
  if (!is_integer(t.dtype)) return invalid("input {} must be integers", i);
  return load<std::int64_t>(t);
}
Result<std::vector<std::int64_t>> Call::integers_or(std::size_t i, std::string_view attribute) const {
  if (has(i)) return integers(i);
  return ints_of(attribute);
}
Result<std::int64_t> Call::integer(std::size_t i) const {
  const auto list = HZ_TRY(integers(i));
  if (list.size() != 1) return invalid("input {} must have one element", i);
  return list[0];
}
Result<double> Call::real(std::size_t i) const {
  const Tensor& t = *HZ_TRY(tensor(i));
  if (t.dtype == Dtype::string || t.count() != 1) return invalid("input {} must be one number", i);
  return load<double>(t)[0];
}

std::int64_t Call::int_of(std::string_view name, std::int64_t otherwise) const {
  const auto* a = node.find(name);
  return a ? a->i : otherwise;
}
double Call::float_of(std::string_view name, double otherwise) const {
  const auto* a = node.find(name);
  return a ? static_cast<double>(a->f) : otherwise;
}
std::string Call::string_of(std::string_view name, std::string_view otherwise) const {
  const auto* a = node.find(name);
  return a ? a->s : std::string(otherwise);
}
std::vector<std::int64_t> Call::ints_of(std::string_view name) const {
  const auto* a = node.find(name);
  return a ? a->ints : std::vector<std::int64_t>();
}
Result<const onnx::Graph*> Call::graph_of(std::string_view name) const {
  const auto* a = node.find(name);
  if (!a || !a->g) return invalid("attribute {} must be a graph", name);
  return a->g.get();
}

Result<std::size_t> Call::axis(std::int64_t axis, std::size_t rank) const {
  const auto r = static_cast<std::int64_t>(rank);
  if (axis < -r || axis >= r) return invalid("axis {} of rank {}", axis, rank);
  return static_cast<std::size_t>(axis < 0 ? axis + r : axis);
}
Result<std::vector<bool>> Call::axis_set(std::span<const std::int64_t> axes, std::size_t rank) const {
  std::vector<bool> out(rank);
  for (const std::int64_t a : axes) {
    const std::size_t at = HZ_TRY(axis(a, rank));
    if (out[at]) return invalid("axis {} stands twice", a);
    out[at] = true;
  }
  return out;
}

Result<std::size_t> Budget::charge(std::string_view what, const Shape& shape) {
  if (shape.size() > 64) return fail(why("refrt.limit"), "{} rank {}, limit 64", what, shape.size());
  // Zero-sized shapes count with 1 in place of 0, so that strides and loops over them stay bounded too.
  std::int64_t bound = 1, count = 1;
  for (const std::int64_t dim : shape) {
    if (dim < 0) return fail(why("refrt.invalid"), "{} shape {}", what, text(shape));
    if (dim > 1 && bound > elements_max / dim)
      return fail(why("refrt.limit"), "{} {} has more than {} elements", what, text(shape), elements_max);
    bound *= std::max<std::int64_t>(dim, 1);
    count *= dim;
  }
  if (bound > bytes_left / element_bytes) return fail(why("refrt.limit"), "{} the run needs too much memory", what);
  bytes_left -= bound * element_bytes;
  work_left -= static_cast<double>(bound);
  if (work_left < 0) return fail(why("refrt.limit"), "{} the run needs too much work", what);
  return static_cast<std::size_t>(count);
}
Result<void> Budget::charge(std::string_view what, const Value& value) {
  if (value.type == Value::Type::tensor) HZ_TRY(charge(what, value.tensor.shape));
  for (const Tensor& t : value.sequence) HZ_TRY(charge(what, t.shape));
  return {};
}

Result<std::size_t> Call::admit(const Shape& shape) const {
  auto count = budget.charge("result", shape);
  if (!count) return std::unexpected(within(where(), std::move(count).error()));
  return count;
}
Result<void> Call::admit(const Value& value) const {
  if (auto paid = budget.charge("copy", value); !paid) return std::unexpected(within(where(), std::move(paid).error()));
  return {};
}
Result<void> Call::work(double steps) const {
  budget.work_left -= steps;
  if (budget.work_left < 0) return fail(why("refrt.limit"), "{}: the run needs too much work", where());
  return {};
}

void Call::give(std::size_t i, Value value) {
  if (wants(i)) outputs[i] = std::move(value);
}
void Call::give(std::size_t i, Tensor tensor) {
  if (!wants(i)) return;
  outputs[i].type = Value::Type::tensor;
  outputs[i].tensor = std::move(tensor);
}

std::string Call::where() const {
  std::string out =
      fmt::format("node {} ({}{}-{})", node.name.empty() && !node.outputs.empty() ? node.outputs[0] : node.name,
                  node.domain.empty() ? "" : node.domain + ".", node.op_type, opset);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    out += i == 0 ? " on " : ", ";
    if (!inputs[i])
      out += "nothing";
    else if (inputs[i]->type == Value::Type::tensor)
      out += fmt::format("{}{}", onnx::dtype_name(inputs[i]->tensor.dtype), text(inputs[i]->tensor.shape));
    else if (inputs[i]->type == Value::Type::sequence)
      out += fmt::format("sequence({})", inputs[i]->sequence.size());
    else
      out += "none";
  }
  return out;
}
std::unexpected<Error> Call::bad_dtype(Dtype dtype) const {
  return unsupported("element type {}", onnx::dtype_name(dtype));
}

}  // namespace hz::refrt
