// Element types and TensorProto.
//
// A TensorProto keeps its elements either as raw little-endian bytes or in one of six typed lists, chosen by the
// element type; the narrow types all use int32_data. Fields may come in any order, so a first pass learns type and
// shape and a second one reads the elements.
#include <algorithm>
#include <limits>

#include "onnx/model.h"
#include "onnx/tensor_reader.h"

namespace hz::onnx {

namespace {

struct Row {
  Dtype dtype;
  std::string_view name;
  std::size_t size;
  std::uint32_t list;  // number of the typed field of TensorProto
};
constexpr std::uint32_t float_data = 4, int32_data = 5, string_data = 6, int64_data = 7, raw_data = 9, double_data = 10,
                        uint64_data = 11;
constexpr Row rows[] = {
    {Dtype::undefined, "undefined", 0, 0},          {Dtype::float32, "float32", 4, float_data},
    {Dtype::uint8, "uint8", 1, int32_data},         {Dtype::int8, "int8", 1, int32_data},
    {Dtype::uint16, "uint16", 2, int32_data},       {Dtype::int16, "int16", 2, int32_data},
    {Dtype::int32, "int32", 4, int32_data},         {Dtype::int64, "int64", 8, int64_data},
    {Dtype::string, "string", 0, string_data},      {Dtype::boolean, "bool", 1, int32_data},
    {Dtype::float16, "float16", 2, int32_data},     {Dtype::float64, "float64", 8, double_data},
    {Dtype::uint32, "uint32", 4, uint64_data},      {Dtype::uint64, "uint64", 8, uint64_data},
    {Dtype::complex64, "complex64", 8, float_data}, {Dtype::complex128, "complex128", 16, double_data},
    {Dtype::bfloat16, "bfloat16", 2, int32_data},
};
const Row& row(Dtype dtype) {
  const auto i = static_cast<std::size_t>(dtype);
  return rows[i < std::size(rows) ? i : 0];
}

constexpr std::size_t rank_max = 64;
constexpr std::int64_t elements_max = std::int64_t{1} << 47;

void append(Bytes& out, const void* value, std::size_t size) {
  const auto* p = static_cast<const std::uint8_t*>(value);
  out.insert(out.end(), p, p + size);
}

template <class T>
bool holds(std::int64_t value) {
  return value >= std::int64_t{std::numeric_limits<T>::min()} && value <= std::int64_t{std::numeric_limits<T>::max()};
}
// Whether an int32_data element fits its narrow type; half floats travel as their 16 bits.
bool in_range(Dtype dtype, std::int32_t value) {
  switch (dtype) {
    case Dtype::uint8:
      return holds<std::uint8_t>(value);
    case Dtype::int8:
      return holds<std::int8_t>(value);
    case Dtype::int16:
      return holds<std::int16_t>(value);
    case Dtype::boolean:
      return value == 0 || value == 1;
    case Dtype::int32:
      return true;
    default:
      return holds<std::uint16_t>(value);
  }
}

// One occurrence of a typed list or of raw_data, appended to the tensor.
Result<void> read_elements(protobuf::Reader& in, Tensor& out) {
  switch (in.field()) {
    case float_data:
      return in.fixed<std::uint32_t>("float_data", [&](std::uint32_t v) { append(out.data, &v, 4); });
    case double_data:
      return in.fixed<std::uint64_t>("double_data", [&](std::uint64_t v) { append(out.data, &v, 8); });
    case int64_data:
      return in.varints("int64_data", [&](std::uint64_t v) { append(out.data, &v, 8); });
    case uint64_data: {
      bool fits = true;
      HZ_TRY(in.varints("uint64_data", [&](std::uint64_t v) {
        fits = fits && (dtype_size(out.dtype) == 8 || v <= std::numeric_limits<std::uint32_t>::max());
        append(out.data, &v, dtype_size(out.dtype));
      }));
      if (!fits) return in.malformed("uint64_data", "an element does not fit uint32");
      return {};
    }
    case int32_data: {
      bool fits = true;
      HZ_TRY(in.varints("int32_data", [&](std::uint64_t wide) {
        const auto v = static_cast<std::int32_t>(wide);
        fits = fits && in_range(out.dtype, v);
        append(out.data, &v, dtype_size(out.dtype));
      }));
      if (!fits) return in.malformed("int32_data", fmt::format("an element does not fit {}", dtype_name(out.dtype)));
      return {};
    }
    case string_data:
      HZ_TRY(in.item("string_data"));
      out.strings.push_back(HZ_TRY(in.blob("string_data")));
      return {};
    default:
      put(out.data, HZ_TRY(in.bytes("raw_data")));
      return {};
  }
}

bool is_data(std::uint32_t field) {
  return field == float_data || field == int32_data || field == string_data || field == int64_data ||
         field == raw_data || field == double_data || field == uint64_data;
}

// Everything but the elements. Returns the number of the data field that stands in the message, 0 for none.
Result<std::uint32_t> read_header(protobuf::Reader& in, Tensor& out) {
  std::int32_t type = 0;
  std::uint32_t data_field = 0;
  while (HZ_TRY(in.next())) {
    switch (in.field()) {
      case 1:
        HZ_TRY(in.varints("dims", [&](std::uint64_t v) { out.shape.push_back(static_cast<std::int64_t>(v)); }));
        break;
      case 2:
        type = HZ_TRY(in.int32("data_type"));
        break;
      case 3:
        return in.malformed("segment", "segmented tensors are not supported");
      case 8:
        out.name = HZ_TRY(in.text("name"));
        break;
      case 13:
        return in.fail_here(why("onnx.external_data"), "external_data", "the data stands in another file");
      case 14:
        if (HZ_TRY(in.int32("data_location")) != 0)
          return in.fail_here(why("onnx.external_data"), "data_location", "the data stands in another file");
        break;
      default:
        if (is_data(in.field())) {
          // An empty list beside the real one is harmless, and common: some writers emit it.
          const auto before = data_field;
          const bool empty =
              in.wire() == protobuf::Wire::bytes && in.field() != string_data && HZ_TRY(in.bytes("data")).empty();
          if (in.wire() != protobuf::Wire::bytes || in.field() == string_data) HZ_TRY(in.skip());
          if (!empty) data_field = in.field();
          if (!empty && before != 0 && before != data_field) return in.malformed("", "elements stand in two fields");
          if (!empty && before == raw_data) return in.malformed("raw_data", "stands twice");
        } else {
          HZ_TRY(in.skip());
        }
    }
  }
  out.dtype = known_dtype(type);
  if (out.dtype == Dtype::undefined)
    return in.fail_here(why("onnx.dtype"), "data_type", fmt::format("number {}", type));
  return data_field;
}

Result<void> check_shape(const protobuf::Reader& in, const Tensor& out) {
  if (out.shape.size() > rank_max)
    return in.fail_here(why("onnx.limit"), "dims", fmt::format("{} dimensions, limit {}", out.shape.size(), rank_max));
  std::int64_t product = 1;
  for (const std::int64_t dim : out.shape) {
    if (dim < 0) return in.malformed("dims", fmt::format("dimension {}", dim));
    if (dim > 1 && product > elements_max / dim) return in.fail_here(why("onnx.limit"), "dims", "too many elements");
    product *= std::max<std::int64_t>(dim, 1);
  }
  return {};
}

}  // namespace

std::string_view dtype_name(Dtype dtype) { return row(dtype).name; }
std::size_t dtype_size(Dtype dtype) { return row(dtype).size; }
Dtype parse_dtype(std::string_view name) {
  const auto* it = std::ranges::find(rows, name, &Row::name);
  return it == std::end(rows) ? Dtype::undefined : it->dtype;
}
Dtype known_dtype(std::int32_t number) {
  return number > 0 && number < static_cast<std::int32_t>(std::size(rows)) ? static_cast<Dtype>(number)
                                                                           : Dtype::undefined;
}

std::size_t Tensor::count() const {
  std::size_t product = 1;
  for (const std::int64_t dim : shape) product *= static_cast<std::size_t>(dim);
  return product;
}

Result<Tensor> read_tensor(protobuf::Reader in) {
  Tensor out;
  protobuf::Reader again = in;
  const std::uint32_t data_field = HZ_TRY(read_header(in, out));
  HZ_TRY(check_shape(in, out));
  if (data_field != 0) {
    const bool raw = data_field == raw_data && out.dtype != Dtype::string;
    if (!raw && data_field != row(out.dtype).list)
      return in.malformed("", fmt::format("field {} cannot hold {}", data_field, dtype_name(out.dtype)));
    while (HZ_TRY(again.next())) {
      if (again.field() == data_field)
        HZ_TRY(read_elements(again, out));
      else
        HZ_TRY(again.skip());
    }
  }
  const std::size_t want = out.count();
  if (out.dtype == Dtype::string) {
    if (out.strings.size() != want)
      return in.malformed("string_data", fmt::format("{} strings for {} elements", out.strings.size(), want));
  } else if (out.data.size() != want * dtype_size(out.dtype)) {
    return in.malformed("raw_data",
                        fmt::format("{} bytes for {} elements of {}", out.data.size(), want, dtype_name(out.dtype)));
  }
  return out;
}

}  // namespace hz::onnx
