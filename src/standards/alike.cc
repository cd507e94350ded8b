#include "standards/alike.h"

#include <algorithm>
#include <cstring>

#include "base/json.h"
#include "standards/oip_session.h"
#include "standards/rank.h"
#include "standards/reasons.h"

namespace hz::standards {
namespace {

constexpr std::size_t elements_max = std::size_t{1} << 24;

// Where the JSON object that the bytes begin with ends; their number when it does not end.
std::size_t json_end(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && --depth <= 0) {
      return i + 1;
    }
  }
  return text.size();
}

template <class T>
void put_number(onnx::Tensor& to, T value) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&value);
  to.data.insert(to.data.end(), bytes, bytes + sizeof value);
}

// One element of JSON data. Integers are kept in 64 bits and truth in one byte, whatever their datatype: they are
// compared exactly, and both sides are read the same way.
bool put_element(onnx::Tensor& to, const json::Value& v) {
  const std::int64_t* whole = v.integer();
  const double* real = v.real();
  switch (to.dtype) {
    case onnx::Dtype::float32:
      if (!whole && !real) return false;
      put_number(to, static_cast<float>(real ? *real : static_cast<double>(*whole)));
      return true;
    case onnx::Dtype::float64:
      if (!whole && !real) return false;
      put_number(to, real ? *real : static_cast<double>(*whole));
      return true;
    case onnx::Dtype::string:
      if (!v.string()) return false;
      to.strings.push_back(*v.string());
      return true;
    case onnx::Dtype::boolean:
      if (!v.boolean() && !whole) return false;
      to.data.push_back(v.boolean() ? *v.boolean() : *whole != 0);
      return true;
    default:
      if (whole) put_number(to, *whole);
      return whole != nullptr;
  }
}
bool put_all(onnx::Tensor& to, const json::Value& v, std::size_t& left) {
  if (const json::Array* list = v.array())
    return std::ranges::all_of(*list, [&](const json::Value& one) { return put_all(to, one, left); });
  return left-- > 0 && put_element(to, v);
}

Result<onnx::Value> read_output(const json::Value& item) {
  onnx::Value out;
  out.type = onnx::Value::Type::tensor;
  out.name = item.text("name");
  onnx::Tensor& tensor = out.tensor;
  tensor.name = out.name;
  tensor.dtype = oip::dtype_of(item.text("datatype"));
  // The protocol has no JSON form of halves.
  if (tensor.dtype == onnx::Dtype::undefined || tensor.dtype == onnx::Dtype::float16)
    return fail(why("standards.oip"), "output {}: datatype {} as JSON", out.name, item.text("datatype"));
  const json::Value *shape = item.find("shape"), *data = item.find("data");
  if (!shape || !shape->array() || shape->array()->size() > 64 || !data || !data->array())
    return fail(why("standards.oip"), "output {}: no shape or no data", out.name);
  std::size_t count = 1;
  for (const json::Value& dim : *shape->array()) {
    const std::int64_t* d = dim.integer();
    if (!d || *d < 0 || *d > static_cast<std::int64_t>(elements_max) ||
        (*d > 0 && count > elements_max / static_cast<std::size_t>(*d)))
      return fail(why("standards.oip"), "output {}: shape out of range", out.name);
    tensor.shape.push_back(*d);
    count *= static_cast<std::size_t>(*d);
  }
  std::size_t left = count;
  if (!put_all(tensor, *data, left) || left != 0)
    return fail(why("standards.oip"), "output {}: its data is not {} of its type", out.name, count);
  if (tensor.dtype != onnx::Dtype::float32 && tensor.dtype != onnx::Dtype::float64 &&
      tensor.dtype != onnx::Dtype::string && tensor.dtype != onnx::Dtype::boolean)
    tensor.dtype = onnx::Dtype::int64;
  return out;
}

const onnx::Tensor* logits_of(const onnx::Value& value) {
  const onnx::Tensor& t = value.tensor;
  const bool rows = value.type == onnx::Value::Type::tensor && t.dtype == onnx::Dtype::float32 && !t.shape.empty() &&
                    t.shape.back() >= 2 && t.data.size() == t.count() * sizeof(float) && !t.data.empty();
  return rows ? &t : nullptr;
}

void judge_rows(const onnx::Tensor& got, const onnx::Tensor& want, Alike& out) {
  const auto n = static_cast<std::size_t>(want.shape.back());
  const std::size_t rows = want.count() / n;
  std::vector<float> g(rows * n), w(rows * n);
  std::memcpy(g.data(), got.data.data(), got.data.size());
  std::memcpy(w.data(), want.data.data(), want.data.size());
  const Tolerance tolerance = tolerance_of(onnx::Dtype::float32, Scope::whole_model);
  double peak = 0;
  for (const float v : w)
    if (std::isfinite(v)) peak = std::max(peak, std::fabs(double{v}));
  for (std::size_t i = 0; i < rows; ++i) {
    const float *a = g.data() + i * n, *b = w.data() + i * n;
    const auto finite = [](float v) { return std::isfinite(v); };
    const std::size_t preferred = argmax(b, n);
    // No measure, and no fault of the other side.
    if (!std::all_of(b, b + n, finite) || is_tie(b, n, preferred, peak, tolerance)) continue;
    ++out.judged;
    out.agreeing += std::all_of(a, a + n, finite) && argmax(a, n) == preferred;
  }
}

}  // namespace

Result<std::vector<onnx::Value>> read_infer_answer(ByteView body) {
  const std::size_t end = json_end(as_text(body));
  const auto document = json::parse(as_text(body.first(end)), {.size_bytes_max = 64u << 20, .depth_max = 16});
  if (!document) return fail(why("standards.oip"), "{}", document.error().text());
  const json::Value* outputs = document->find("outputs");
  if (!outputs || !outputs->array() || outputs->array()->empty() || outputs->array()->size() > 4096)
    return fail(why("standards.oip"), "no outputs");
  const bool binary = std::ranges::any_of(*outputs->array(), [](const json::Value& one) {
    const json::Value* parameters = one.find("parameters");
    return parameters && parameters->find("binary_data_size");
  });
  if (binary) return HZ_TRY(oip::decode_infer(body, end)).outputs;
  std::vector<onnx::Value> out;
  for (const json::Value& item : *outputs->array()) out.push_back(HZ_TRY(read_output(item)));
  return out;
}

Alike alike(const std::vector<onnx::Value>& got, const std::vector<onnx::Value>& want) {
  const Comparison compared = compare(got, want, Scope::whole_model);
  Alike out{.judged = 0, .agreeing = 0, .logits = compared.match};
  const bool same_form = compared.difference == Difference::none || compared.difference == Difference::value;
  for (std::size_t i = 0; same_form && i < want.size(); ++i) {
    if (const onnx::Tensor *a = logits_of(got[i]), *b = logits_of(want[i]); a && b) {
      judge_rows(*a, *b, out);
    } else {
      ++out.judged;
      out.agreeing += compare({got[i]}, {want[i]}, Scope::whole_model).match != Match::different;
    }
  }
  if (!same_form) out.judged = 1;
  return out;
}

}  // namespace hz::standards
