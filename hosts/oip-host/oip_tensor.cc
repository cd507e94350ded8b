#include "oip_tensor.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "reasons.h"

namespace hz::host::oip {
namespace {

using onnx::Dtype;

struct Name {
  Dtype dtype;
  std::string_view text;
};
constexpr Name names[] = {
    {Dtype::boolean, "BOOL"},  {Dtype::uint8, "UINT8"},   {Dtype::uint16, "UINT16"}, {Dtype::uint32, "UINT32"},
    {Dtype::uint64, "UINT64"}, {Dtype::int8, "INT8"},     {Dtype::int16, "INT16"},   {Dtype::int32, "INT32"},
    {Dtype::int64, "INT64"},   {Dtype::float16, "FP16"},  {Dtype::float32, "FP32"},  {Dtype::float64, "FP64"},
    {Dtype::string, "BYTES"},  {Dtype::bfloat16, "BF16"},
};

// Calls f with a value of the C++ type behind a JSON-expressible number type; false for the others.
template <class F>
bool with_number_type(Dtype dtype, F f) {
  switch (dtype) {
    case Dtype::uint8:
      f(std::uint8_t{});
      return true;
    case Dtype::uint16:
      f(std::uint16_t{});
      return true;
    case Dtype::uint32:
      f(std::uint32_t{});
      return true;
    case Dtype::uint64:
      f(std::uint64_t{});
      return true;
    case Dtype::int8:
      f(std::int8_t{});
      return true;
    case Dtype::int16:
      f(std::int16_t{});
      return true;
    case Dtype::int32:
      f(std::int32_t{});
      return true;
    case Dtype::int64:
      f(std::int64_t{});
      return true;
    case Dtype::float32:
      f(float{});
      return true;
    case Dtype::float64:
      f(double{});
      return true;
    default:
      return false;
  }
}

template <class T>
bool from_json(const json::Value& value, T& out) {
  if constexpr (std::is_floating_point_v<T>) {
    if (const std::int64_t* n = value.integer()) {
      out = static_cast<T>(*n);
      return true;
    }
    const double* d = value.real();
    if (d == nullptr) return false;
    out = static_cast<T>(*d);
    return std::isfinite(out);
  } else {
    const std::int64_t* n = value.integer();
    if (n == nullptr || !std::in_range<T>(*n)) return false;
    out = static_cast<T>(*n);
    return true;
  }
}

// Walks JSON data that is flat, or nested exactly as the shape says, and hands every leaf to `add`.
class Leaves {
 public:
  explicit Leaves(const onnx::Tensor& tensor) : tensor_(tensor) {}

  template <class Add>
  Result<void> walk(const json::Value& data, std::size_t count, Add add) {
    const json::Array* top = data.array();
    if (top == nullptr) return fail(why("host.invalid"), "{}: data is no array", tensor_.name);
    const bool nested = !top->empty() && top->front().array() != nullptr;
    if (nested) {
      HZ_TRY(level(*top, 0, add));
    } else {
      for (const json::Value& leaf : *top) HZ_TRY(one(leaf, add));
    }
    if (seen_ != count)
      return fail(why("host.invalid"), "{}: {} elements, the shape asks for {}", tensor_.name, seen_, count);
    return {};
  }

 private:
  template <class Add>
  Result<void> level(const json::Array& values, std::size_t dim, Add& add) {
    if (dim >= tensor_.shape.size() || static_cast<std::int64_t>(values.size()) != tensor_.shape[dim])
      return fail(why("host.invalid"), "{}: the nesting of data does not follow the shape", tensor_.name);
    for (const json::Value& value : values) {
      if (const json::Array* inner = value.array()) {
        HZ_TRY(level(*inner, dim + 1, add));
      } else if (dim + 1 == tensor_.shape.size()) {
        HZ_TRY(one(value, add));
      } else {
        return fail(why("host.invalid"), "{}: the nesting of data does not follow the shape", tensor_.name);
      }
    }
    return {};
  }
  template <class Add>
  Result<void> one(const json::Value& leaf, Add& add) {
    if (!add(leaf))
      return fail(why("host.invalid"), "{}: element {} is no {}", tensor_.name, seen_, datatype(tensor_.dtype));
    ++seen_;
    return {};
  }

  const onnx::Tensor& tensor_;
  std::size_t seen_ = 0;
};

template <class T>
void append(Bytes& out, T value) {
  const auto* p = reinterpret_cast<const std::uint8_t*>(&value);
  out.insert(out.end(), p, p + sizeof(T));
}

}  // namespace

std::string_view datatype(Dtype dtype) {
  for (const Name& row : names)
    if (row.dtype == dtype) return row.text;
  return "";
}

Dtype parse_datatype(std::string_view name) {
  for (const Name& row : names)
    if (row.text == name) return row.dtype;
  return Dtype::undefined;
}

Result<std::size_t> element_count(const std::vector<std::int64_t>& shape) {
  std::uint64_t count = 1;
  bool empty = false;
  for (const std::int64_t dim : shape) {
    if (dim < 0) return fail(why("host.invalid"), "a dim of {}", dim);
    if (dim == 0)
      empty = true;
    else if (static_cast<std::uint64_t>(dim) > elements_max / count)
      return fail(why("host.invalid"), "the dims multiply to more than {} elements", elements_max);
    else
      count *= static_cast<std::uint64_t>(dim);
  }
  return empty ? 0 : count;
}

Result<void> read_json_data(onnx::Tensor& tensor, const json::Value& data) {
  const std::size_t count = HZ_TRY(element_count(tensor.shape));
  Leaves leaves(tensor);
  if (tensor.dtype == Dtype::string)
    return leaves.walk(data, count, [&](const json::Value& leaf) {
      const std::string* s = leaf.string();
      if (s != nullptr) tensor.strings.push_back(*s);
      return s != nullptr;
    });
  if (tensor.dtype == Dtype::boolean)
    return leaves.walk(data, count, [&](const json::Value& leaf) {
      const bool* b = leaf.boolean();
      const std::int64_t* n = leaf.integer();
      if (b == nullptr && (n == nullptr || (*n != 0 && *n != 1))) return false;
      tensor.data.push_back(b != nullptr ? *b : *n == 1);
      return true;
    });
  Result<void> done;
  const bool known = with_number_type(tensor.dtype, [&]<class T>(T) {
    done = leaves.walk(data, count, [&](const json::Value& leaf) {
      T value;
      if (!from_json(leaf, value)) return false;
      append(tensor.data, value);
      return true;
    });
  });
  if (!known)
    return fail(why("host.unsupported"), "{}: {} travels as binary data only", tensor.name, datatype(tensor.dtype));
  return done;
}

Result<void> read_raw_data(onnx::Tensor& tensor, ByteView raw) {
  const std::size_t count = HZ_TRY(element_count(tensor.shape));
  if (tensor.dtype != Dtype::string) {
    const std::size_t size = onnx::dtype_size(tensor.dtype);
    if (raw.size() != count * size)
      return fail(why("host.invalid"), "{}: {} bytes of binary data, {} elements of {} take {}", tensor.name,
                  raw.size(), count, datatype(tensor.dtype), count * size);
    tensor.data.assign(raw.begin(), raw.end());
    if (tensor.dtype == Dtype::boolean)
      for (std::size_t i = 0; i < raw.size(); ++i)
        if (raw[i] > 1) return fail(why("host.invalid"), "{}: element {} is {}, no BOOL", tensor.name, i, raw[i]);
    return {};
  }
  std::size_t at = 0;
  if (raw.size() / 4 < count) return fail(why("host.invalid"), "{}: too few bytes for {} strings", tensor.name, count);
  for (std::size_t i = 0; i < count; ++i) {
    std::uint32_t length = 0;
    if (raw.size() - at < 4) return fail(why("host.invalid"), "{}: string {} is cut off", tensor.name, i);
    std::memcpy(&length, raw.data() + at, 4);
    at += 4;
    if (raw.size() - at < length) return fail(why("host.invalid"), "{}: string {} is cut off", tensor.name, i);
    tensor.strings.emplace_back(as_text(raw.subspan(at, length)));
    at += length;
  }
  if (at != raw.size()) return fail(why("host.invalid"), "{}: {} bytes too many", tensor.name, raw.size() - at);
  return {};
}

Result<void> write_json_data(std::string& out, const onnx::Tensor& tensor) {
  out += '[';
  const std::size_t start = out.size();
  const auto comma = [&] {
    if (out.size() > start) out += ',';
  };
  bool expressible = true;
  if (tensor.dtype == Dtype::string) {
    for (const std::string& s : tensor.strings) {
      comma();
      expressible = expressible && valid_utf8(s);
      if (expressible) json::append_quoted(out, s);
    }
  } else if (tensor.dtype == Dtype::boolean) {
    for (const std::uint8_t b : tensor.data) {
      comma();
      out += b != 0 ? "true" : "false";
    }
  } else {
    expressible = with_number_type(tensor.dtype,
                                   [&]<class T>(T) {
                                     for (std::size_t i = 0; i < tensor.data.size() / sizeof(T) && expressible; ++i) {
                                       T value;
                                       std::memcpy(&value, tensor.data.data() + i * sizeof(T), sizeof(T));
                                       comma();
                                       if constexpr (std::is_floating_point_v<T>)
                                         if (!std::isfinite(value)) expressible = false;
                                       fmt::format_to(std::back_inserter(out), "{}", value);
                                     }
                                   }) &&
                  expressible;
  }
  out += ']';
  if (!expressible)
    return fail(why("host.unsupported"), "{}: JSON cannot carry this {} output; ask for binary_data", tensor.name,
                datatype(tensor.dtype));
  return {};
}

Bytes write_raw_data(const onnx::Tensor& tensor) {
  if (tensor.dtype != Dtype::string) return tensor.data;
  Bytes out;
  for (const std::string& s : tensor.strings) {
    append(out, static_cast<std::uint32_t>(s.size()));
    put(out, as_bytes(s));
  }
  return out;
}

}  // namespace hz::host::oip
