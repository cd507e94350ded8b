// Values across the border of the library. Element type numbers are those of ONNX on both sides.
#include "ort_library.h"
#include "reasons.h"

namespace hz::host::ort {

using hz::host::why;
constexpr auto run_phase = Library::Phase::run;

Result<Library::OwnedValue> Library::give_tensor(const onnx::Tensor& tensor) const {
  Value* value = nullptr;
  const int type = static_cast<int>(tensor.dtype);
  if (tensor.dtype == onnx::Dtype::string) {
    std::vector<const char*> strings;
    for (const std::string& s : tensor.strings) {
      if (s.find('\0') != std::string::npos)
        return fail(why("host.unsupported"), "{}: a string holds a zero byte, which this interface cannot carry",
                    tensor.name);
      strings.push_back(s.c_str());
    }
    HZ_TRY(attempt(run_phase, new_tensor, allocator_, tensor.shape.data(), tensor.shape.size(), type, &value));
    OwnedValue owned = own(value);
    if (!strings.empty()) HZ_TRY(attempt(run_phase, fill_strings, value, strings.data(), strings.size()));
    return owned;
  }
  // The library never writes to inputs; a null pointer is refused even for no elements.
  static std::uint64_t nothing = 0;
  void* data = tensor.data.empty() ? static_cast<void*>(&nothing) : const_cast<std::uint8_t*>(tensor.data.data());
  HZ_TRY(attempt(run_phase, wrap_tensor, static_cast<const MemoryFacts*>(memory_), data, tensor.data.size(),
                 tensor.shape.data(), tensor.shape.size(), type, &value));
  return own(value);
}

Result<Library::OwnedValue> Library::give_sequence(const onnx::Value& value) const {
  if (value.sequence.empty())
    return fail(why("host.unsupported"), "{}: this interface cannot build an empty sequence", value.name);
  std::vector<OwnedValue> elements;
  std::vector<const Value*> pointers;
  for (const onnx::Tensor& tensor : value.sequence) {
    elements.push_back(HZ_TRY(give_tensor(tensor)));
    pointers.push_back(elements.back().get());
  }
  Value* out = nullptr;
  HZ_TRY(attempt(run_phase, new_sequence, pointers.data(), pointers.size(), kind_sequence, &out));
  return own(out);
}

Result<Library::OwnedValue> Library::give(const onnx::Value& value) const {
  switch (value.type) {
    case onnx::Value::Type::tensor:
      return give_tensor(value.tensor);
    case onnx::Value::Type::sequence:
      return give_sequence(value);
    case onnx::Value::Type::none:
      break;
  }
  return fail(why("host.unsupported"), "{}: this interface cannot build an absent optional", value.name);
}

Result<onnx::Tensor> Library::take_tensor(const Value* value, const std::string& name) const {
  ShapeFacts* facts = nullptr;
  HZ_TRY(attempt(run_phase, shape_of, value, &facts));
  const auto release = [this](ShapeFacts* f) { call(release_shape, f); };
  const std::unique_ptr<ShapeFacts, decltype(release)> owner(facts, release);
  const ShapeFacts* shape = facts;
  onnx::Tensor out;
  out.name = name;
  int type = 0;
  std::size_t dims_count = 0;
  HZ_TRY(attempt(run_phase, element_type, shape, &type));
  HZ_TRY(attempt(run_phase, rank, shape, &dims_count));
  out.shape.resize(dims_count);
  HZ_TRY(attempt(run_phase, dims, shape, out.shape.data(), dims_count));
  out.dtype = static_cast<onnx::Dtype>(type);
  const std::size_t count = out.count();
  if (out.dtype == onnx::Dtype::string) {
    std::size_t length = 0;
    HZ_TRY(attempt(run_phase, strings_length, value, &length));
    std::string all(length, '\0');
    std::vector<std::size_t> starts(count + 1, length);
    if (count > 0)
      HZ_TRY(attempt(run_phase, strings_content, value, static_cast<void*>(all.data()), length, starts.data(), count));
    for (std::size_t i = 0; i < count; ++i) out.strings.push_back(all.substr(starts[i], starts[i + 1] - starts[i]));
    return out;
  }
  const std::size_t size = onnx::dtype_size(out.dtype);
  if (size == 0) return fail(why("host.unsupported"), "{}: element type {}", name, type);
  void* data = nullptr;
  HZ_TRY(attempt(run_phase, tensor_data, const_cast<Value*>(value), &data));
  if (count > 0) {
    const auto* bytes = static_cast<const std::uint8_t*>(data);
    out.data.assign(bytes, bytes + count * size);
  }
  return out;
}

Result<onnx::Value> Library::take(const Value* value, const std::string& name) const {
  onnx::Value out;
  out.name = name;
  int present = 0;
  HZ_TRY(attempt(run_phase, has_value, value, &present));
  if (present == 0) return out;
  int kind = 0;
  HZ_TRY(attempt(run_phase, kind_of_value, value, &kind));
  if (kind == kind_tensor) {
    out.type = onnx::Value::Type::tensor;
    out.tensor = HZ_TRY(take_tensor(value, name));
    return out;
  }
  if (kind != kind_sequence) return fail(why("host.unsupported"), "{}: a value of kind {}", name, kind);
  out.type = onnx::Value::Type::sequence;
  std::size_t count = 0;
  HZ_TRY(attempt(run_phase, element_count, value, &count));
  for (std::size_t i = 0; i < count; ++i) {
    Value* element = nullptr;
    HZ_TRY(attempt(run_phase, element_at, value, static_cast<int>(i), allocator_, &element));
    const OwnedValue owned = own(element);
    out.sequence.push_back(HZ_TRY(take_tensor(element, "")));
  }
  return out;
}

}  // namespace hz::host::ort
