// Sequences of tensors, and optional values.
#include "refrt/operators.h"
#include "refrt/shape.h"
#include "refrt/wide.h"

namespace hz::refrt {

namespace {

Result<const Value*> sequence(const Call& call, std::size_t i) {
  if (!call.has(i) || call.inputs[i]->type != Value::Type::sequence)
    return call.invalid("input {} must be a sequence", i);
  HZ_TRY(call.admit(*call.inputs[i]));
  return call.inputs[i];
}
Value sequence_of(std::vector<Tensor> list) {
  Value out;
  out.type = Value::Type::sequence;
  out.sequence = std::move(list);
  return out;
}
// -n..n-1 (or n when `end`) to 0..n.
Result<std::ptrdiff_t> position(const Call& call, std::size_t i, std::size_t size, bool end) {
  const auto n = static_cast<std::int64_t>(size);
  const std::int64_t at = HZ_TRY(call.integer(i));
  if (at < -n || at > (end ? n : n - 1)) return call.invalid("position {} in a sequence of {}", at, size);
  return at < 0 ? at + n : at;
}

Result<void> empty(Call& call) {
  call.give(0, sequence_of({}));
  return {};
}
Result<void> construct(Call& call) {
  std::vector<Tensor> list;
  for (std::size_t i = 0; i < call.inputs.size(); ++i) {
    const Tensor& t = *HZ_TRY(call.tensor(i));
    HZ_TRY(call.admit(t.shape));
    list.push_back(t);
  }
  call.give(0, sequence_of(std::move(list)));
  return {};
}
Result<void> insert(Call& call) {
  std::vector<Tensor> list = HZ_TRY(sequence(call, 0))->sequence;
  const auto at = call.has(2) ? HZ_TRY(position(call, 2, list.size(), true)) : static_cast<std::ptrdiff_t>(list.size());
  const Tensor& added = *HZ_TRY(call.tensor(1));
  HZ_TRY(call.admit(added.shape));
  list.insert(list.begin() + at, added);
  call.give(0, sequence_of(std::move(list)));
  return {};
}
Result<void> erase(Call& call) {
  std::vector<Tensor> list = HZ_TRY(sequence(call, 0))->sequence;
  if (list.empty()) return call.invalid("the sequence is empty");
  const auto at =
      call.has(1) ? HZ_TRY(position(call, 1, list.size(), false)) : static_cast<std::ptrdiff_t>(list.size()) - 1;
  list.erase(list.begin() + at);
  call.give(0, sequence_of(std::move(list)));
  return {};
}
Result<void> element(Call& call) {
  const auto& list = HZ_TRY(sequence(call, 0))->sequence;
  call.give(0, list[static_cast<std::size_t>(HZ_TRY(position(call, 1, list.size(), false)))]);
  return {};
}
Result<void> length(Call& call) {
  const auto n = static_cast<std::int64_t>(HZ_TRY(sequence(call, 0))->sequence.size());
  call.give(0, store(Dtype::int64, {}, std::vector<std::int64_t>{n}));
  return {};
}

Result<void> concat(Call& call) {
  const auto& list = HZ_TRY(sequence(call, 0))->sequence;
  if (list.empty()) return call.invalid("the sequence is empty");
  const bool stack = call.int_of("new_axis", 0) != 0;
  const std::size_t rank = list[0].shape.size() + (stack ? 1 : 0);
  const std::size_t axis = HZ_TRY(call.axis(call.int_of("axis", 0), rank));
  std::int64_t total = 0;
  Shape rest = list[0].shape;
  if (!stack) rest[axis] = 0;
  for (const Tensor& t : list) {
    Shape own = t.shape;
    if (own.size() != rest.size() || t.dtype != list[0].dtype) return call.invalid("elements differ");
    total += stack ? 1 : own[axis];
    if (!stack) own[axis] = 0;
    if (own != rest) return call.invalid("elements differ in shape");
  }
  Shape shape = rest;
  if (stack)
    shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(axis), total);
  else
    shape[axis] = total;
  HZ_TRY(call.admit(shape));
  Tensor out = zeros(list[0].dtype, shape);
  const auto [outer, n, inner] = split3(shape, axis);
  std::size_t at = 0;
  for (const Tensor& t : list) {
    const std::size_t row = outer == 0 ? 0 : t.count() / outer;
    for (std::size_t o = 0; o < outer; ++o) copy_elements(out, o * n * inner + at, t, o * row, row);
    at += row;
  }
  call.give(0, std::move(out));
  return {};
}

Result<void> split(Call& call) {
  const Tensor& x = *HZ_TRY(call.tensor(0));
  const std::size_t axis = HZ_TRY(call.axis(call.int_of("axis", 0), x.shape.size()));
  const std::int64_t size = x.shape[axis];
  std::vector<std::int64_t> sizes;
  bool keep = true;
  if (const Tensor* t = call.find(1); t && !t->shape.empty()) {
    sizes = HZ_TRY(call.integers(1));
  } else {
    const std::int64_t part = t ? HZ_TRY(call.integer(1)) : 1;
    keep = t != nullptr || call.int_of("keepdims", 1) != 0;
    if (part < 1) return call.invalid("parts of {}", part);
    for (std::int64_t left = size; left > 0; left -= part) sizes.push_back(std::min(part, left));
  }
  const auto [outer, n, inner] = split3(x.shape, axis);
  std::vector<Tensor> list;
  std::int64_t at = 0;
  for (const std::int64_t part : sizes) {
    if (part < 0 || part > size - at) return call.invalid("the parts do not fit {}", size);
    Shape shape = x.shape;
    shape[axis] = part;
    HZ_TRY(call.admit(shape));
    Tensor out = zeros(x.dtype, shape);
    const std::size_t row = static_cast<std::size_t>(part) * inner;
    for (std::size_t o = 0; o < outer; ++o)
      copy_elements(out, o * row, x, (o * n + static_cast<std::size_t>(at)) * inner, row);
    if (!keep) out.shape.erase(out.shape.begin() + static_cast<std::ptrdiff_t>(axis));
    list.push_back(std::move(out));
    at += part;
  }
  if (at != size) return call.invalid("the parts make {} of {}", at, size);
  call.give(0, sequence_of(std::move(list)));
  return {};
}

Result<void> optional(Call& call) {
  if (call.has(0)) HZ_TRY(call.admit(*call.inputs[0]));
  call.give(0, call.has(0) ? *call.inputs[0] : Value());
  return {};
}
Result<void> has_element(Call& call) {
  const bool some = call.has(0) && call.inputs[0]->type != Value::Type::none;
  call.give(0, store(Dtype::boolean, {}, std::vector<std::int64_t>{some}));
  return {};
}
Result<void> get_element(Call& call) {
  if (!call.has(0) || call.inputs[0]->type == Value::Type::none) return call.invalid("the optional is empty");
  HZ_TRY(call.admit(*call.inputs[0]));
  call.give(0, *call.inputs[0]);
  return {};
}

constexpr OpRow rows[] = {
    {"SequenceEmpty", empty, 11},
    {"SequenceConstruct", construct, 11},
    {"SequenceInsert", insert, 11},
    {"SequenceErase", erase, 11},
    {"SequenceAt", element, 11},
    {"SequenceLength", length, 11},
    {"ConcatFromSequence", concat, 11},
    {"SplitToSequence", split, 11},
    {"Optional", optional, 15},
    {"OptionalHasElement", has_element, 15},
    {"OptionalGetElement", get_element, 15},
};

}  // namespace

std::span<const OpRow> sequence_ops() { return rows; }

}  // namespace hz::refrt
