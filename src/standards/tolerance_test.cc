#include "standards/tolerance.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "base/fs.h"
#include "base/json.h"

using namespace hz;
using namespace hz::standards;
using onnx::Dtype;
using onnx::Tensor;
using onnx::Value;

namespace {

double number(const json::Value& v) {
  if (const auto* n = v.integer()) return static_cast<double>(*n);
  if (const auto* d = v.real()) return *d;
  const std::string& s = *v.string();
  if (s == "nan") return std::numeric_limits<double>::quiet_NaN();
  REQUIRE((s == "inf" || s == "-inf"));
  return s == "inf" ? std::numeric_limits<double>::infinity() : -std::numeric_limits<double>::infinity();
}

template <class T>
void put_little(Bytes& out, T value) {
  const auto* p = reinterpret_cast<const std::uint8_t*>(&value);
  out.insert(out.end(), p, p + sizeof(T));
}

Tensor tensor(const json::Value& values, std::string_view dtype, const json::Value& shape) {
  Tensor out;
  out.dtype = onnx::parse_dtype(dtype);
  for (const auto& d : *shape.array()) out.shape.push_back(*d.integer());
  for (const auto& v : *values.array()) {
    switch (out.dtype) {
      case Dtype::float32:
        put_little(out.data, static_cast<float>(number(v)));
        break;
      case Dtype::float64:
        put_little(out.data, number(v));
        break;
      case Dtype::float16:
      case Dtype::bfloat16:
        put_little(out.data, static_cast<std::uint16_t>(*v.integer()));
        break;
      case Dtype::int64:
        put_little(out.data, *v.integer());
        break;
      case Dtype::int32:
        put_little(out.data, static_cast<std::int32_t>(*v.integer()));
        break;
      case Dtype::uint8:
      case Dtype::boolean:
        out.data.push_back(static_cast<std::uint8_t>(*v.integer()));
        break;
      case Dtype::string:
        out.strings.push_back(*v.string());
        break;
      default:
        FAIL("a dtype the vectors do not use");
    }
  }
  return out;
}

Tensor floats(std::vector<float> values) {
  Tensor out;
  out.dtype = Dtype::float32;
  out.shape = {static_cast<std::int64_t>(values.size())};
  for (const float v : values) put_little(out.data, v);
  return out;
}

Value value(Tensor t) {
  Value out;
  out.type = Value::Type::tensor;
  out.tensor = std::move(t);
  return out;
}

}  // namespace

TEST_CASE("tolerance: every vector of spec/vectors/tolerance.json is judged as it says") {
  const auto file =
      json::parse(read_text(fs::path(HZ_SOURCE_DIR) / "spec/vectors/tolerance.json", 1 << 20).value()).value();
  int seen = 0;
  for (const auto& v : *file.find("vectors")->array()) {
    CAPTURE(v.text("name"));
    const auto got_dtype = v.find("got_dtype") ? v.text("got_dtype") : v.text("dtype");
    const json::Value& got_shape = v.find("got_shape") ? *v.find("got_shape") : *v.find("shape");
    const Scope scope = v.text("scope") == "model" ? Scope::whole_model : Scope::one_operator;
    const Comparison c = compare(tensor(*v.find("got"), got_dtype, got_shape),
                                 tensor(*v.find("want"), v.text("dtype"), *v.find("shape")), scope);
    CHECK(enum_text(c.match) == v.text("match"));
    CHECK(enum_text(c.difference) == (v.find("difference") ? v.text("difference") : "none"));
    if (const auto* index = v.find("index")) CHECK(static_cast<std::int64_t>(c.worst.index) == *index->integer());
    CHECK(c.text.empty() == (c.match == Match::equal));
    ++seen;
  }
  CHECK(seen >= 30);
}

TEST_CASE("tolerance: the witness says where, what and by how much") {
  Tensor want = floats({1, 2, 3, 4}), got = floats({1, 2, 3.5f, 4});
  want.shape = got.shape = {2, 2};
  const Comparison c =
      compare({value(floats({0})), value(got)}, {value(floats({0})), value(want)}, Scope::one_operator);
  CHECK(c.worst.output == 1);
  CHECK(c.worst.at == "[1,0]");
  CHECK(c.worst.error == doctest::Approx(0.5));
  CHECK(c.worst.peak_relative == doctest::Approx(0.125));
  CHECK(c.worst.ulp == std::bit_cast<std::uint32_t>(3.5f) - std::bit_cast<std::uint32_t>(3.0f));
  CHECK(c.text == "output 1: [1,0] is 3.5, should be 3 (0.12 of the peak, 2097152 ulp; 1 of 4 beyond)");
}

TEST_CASE("tolerance: a neighbour across zero is one or two ulp away, not four billion") {
  const float tiny = std::numeric_limits<float>::denorm_min();
  const Comparison c = compare(floats({-tiny, 1}), floats({tiny, 1}), Scope::one_operator);
  CHECK(c.match == Match::within);
  CHECK(c.worst.ulp == 2);
}

TEST_CASE("tolerance: missing, extra and mistyped outputs are differences of structure") {
  Value sequence;
  sequence.type = Value::Type::sequence;
  sequence.sequence = {floats({1}), floats({2})};
  Value longer = sequence, off = sequence;
  longer.sequence.push_back(floats({3}));
  off.sequence[1] = floats({5});
  CHECK(compare({}, {value(floats({1}))}, Scope::one_operator).difference == Difference::structure);
  CHECK(compare({value(floats({1})), value(floats({1}))}, {value(floats({1}))}, Scope::one_operator).difference ==
        Difference::structure);
  CHECK(compare({value(floats({1}))}, {sequence}, Scope::one_operator).difference == Difference::structure);
  CHECK(compare({longer}, {sequence}, Scope::one_operator).difference == Difference::shape);
  const Comparison c = compare({off}, {sequence}, Scope::one_operator);
  CHECK(c.worst.item == 1);
  CHECK(c.text.starts_with("output 0 item 1: [0] is 5, should be 2"));
  CHECK(compare({sequence}, {sequence}, Scope::one_operator).match == Match::equal);
  Tensor lying = floats({1, 2});
  lying.data.pop_back();
  CHECK(compare(lying, floats({1, 2}), Scope::one_operator).match == Match::different);
  CHECK(compare(lying, lying, Scope::one_operator).match == Match::different);
}

TEST_CASE("tolerance: outputs random by definition are still held to dtype and shape") {
  CHECK(compare_form({value(floats({1, 2}))}, {value(floats({9, 9}))}).match == Match::equal);
  CHECK(compare_form({value(floats({1}))}, {value(floats({9, 9}))}).difference == Difference::shape);
}

TEST_CASE("tolerance: half floats convert as IEEE 754 says") {
  CHECK(from_float16(0x3c00) == 1.0f);
  CHECK(from_float16(0xc000) == -2.0f);
  CHECK(from_float16(0x0001) == std::ldexp(1.0f, -24));
  CHECK(from_float16(0x03ff) == std::ldexp(1023.0f, -24));
  CHECK(from_float16(0x7bff) == 65504.0f);
  CHECK(std::isinf(from_float16(0x7c00)));
  CHECK(std::isnan(from_float16(0x7e00)));
  CHECK(std::signbit(from_float16(0x8000)));
  CHECK(from_bfloat16(0x3f80) == 1.0f);
  CHECK(from_bfloat16(0xff80) == -std::numeric_limits<float>::infinity());
}

TEST_CASE("tolerance: float answers are read as integers only when every one is an integer in range") {
  CHECK(read_as(floats({0, 1, 1}), Dtype::boolean)->data == Bytes{0, 1, 1});
  CHECK_FALSE(read_as(floats({0, 2}), Dtype::boolean));
  CHECK_FALSE(read_as(floats({0.5f}), Dtype::int64));
  CHECK_FALSE(read_as(floats({std::numeric_limits<float>::quiet_NaN()}), Dtype::int32));
  CHECK_FALSE(read_as(floats({3e9f}), Dtype::int64));
  CHECK(read_as(floats({0.1f}), Dtype::float64)->data.size() == 8);
  CHECK_FALSE(read_as(floats({1}), Dtype::float16));
  CHECK(read_as(floats({-3}), Dtype::int64)->data.size() == 8);
}
