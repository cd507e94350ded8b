#include "refrt/refrt.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "refrt/operators.h"
#include "refrt/shape.h"
#include "refrt/wide.h"

using namespace hz;
using namespace hz::refrt;

namespace {

Value floats(Shape shape, const std::vector<double>& v, Dtype dtype = Dtype::float32) {
  Value out;
  out.type = Value::Type::tensor;
  out.tensor = store(dtype, std::move(shape), v);
  return out;
}
Value ints(Shape shape, const std::vector<std::int64_t>& v, Dtype dtype = Dtype::int64) {
  Value out;
  out.type = Value::Type::tensor;
  out.tensor = store(dtype, std::move(shape), v);
  return out;
}
onnx::Attribute number(std::string name, std::int64_t i) {
  onnx::Attribute a;
  a.name = std::move(name);
  a.type = 2;
  a.i = i;
  return a;
}

// A graph of one node whose inputs are the graph's.
onnx::Model one_node(std::string op, std::size_t inputs, std::vector<onnx::Attribute> attributes = {},
                     std::int64_t opset = 13) {
  onnx::Model model;
  model.opsets.push_back({"", opset});
  onnx::Node node;
  node.name = "n";
  node.op_type = std::move(op);
  node.attributes = std::move(attributes);
  for (std::size_t i = 0; i < inputs; ++i) {
    node.inputs.push_back("x" + std::to_string(i));
    onnx::ValueInfo info;
    info.name = node.inputs.back();
    model.graph.inputs.push_back(info);
  }
  node.outputs = {"y"};
  onnx::ValueInfo out;
  out.name = "y";
  model.graph.outputs.push_back(out);
  model.graph.nodes.push_back(std::move(node));
  return model;
}
Result<Tensor> run(const onnx::Model& model, std::vector<Value> inputs, const Limits& limits = {}) {
  const Session session = HZ_TRY(Session::load(model, limits));
  return HZ_TRY(session.run(inputs))[0].tensor;
}
std::string_view slug(const auto& result) { return result ? "ok" : result.error().reason->slug; }

}  // namespace

TEST_CASE("half floats survive the way to float and back, all 65,536 of them") {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float wide = half_to_float(half);
    if (std::isnan(wide))
      CHECK(std::isnan(half_to_float(float_to_half(wide))));
    else if (float_to_half(wide) != half)
      FAIL("half ", bits);
    const float brain = bfloat_to_float(half);
    if (!std::isnan(brain) && float_to_bfloat(brain) != half) FAIL("bfloat ", bits);
  }
}

TEST_CASE("rounding to half is to nearest even, and overflow is infinite") {
  CHECK(float_to_half(1.0f + 0x1p-11f) == 0x3c00);      // a tie, down to even
  CHECK(float_to_half(1.0f + 3 * 0x1p-11f) == 0x3c02);  // a tie, up to even
  CHECK(float_to_half(65519.0f) == 0x7bff);
  CHECK(float_to_half(65520.0f) == 0x7c00);
  CHECK(float_to_half(0x1p-25f) == 0);
  CHECK(float_to_half(0x1.8p-25f) == 1);
}

TEST_CASE("a walk merges axes that every operand crosses in one stride") {
  int runs = 0;
  walk<2>({2, 3, 4}, {strides_of({2, 3, 4}), strides_of({2, 3, 4})}, [&](const auto&, std::int64_t n, const auto&) {
    ++runs;
    CHECK(n == 24);
  });
  CHECK(runs == 1);
  CHECK(offsets({3, 2}, {1, 3}) == std::vector<std::int64_t>{0, 3, 1, 4, 2, 5});
  CHECK(offsets({2, 0}, {1, 1}).empty());
  CHECK(offsets({}, {}) == std::vector<std::int64_t>{0});
}

TEST_CASE("integer arithmetic wraps and never traps") {
  const std::int64_t least = std::numeric_limits<std::int64_t>::min();
  auto out = run(one_node("Div", 2), {ints({1}, {least}), ints({1}, {-1})});
  REQUIRE(out);
  CHECK(load<std::int64_t>(*out)[0] == least);
  CHECK(slug(run(one_node("Div", 2), {ints({1}, {1}), ints({1}, {0})})) == "refrt.invalid");
  out = run(one_node("Mul", 2), {ints({1}, {least}), ints({1}, {3})});
  REQUIRE(out);
  CHECK(load<std::int64_t>(*out)[0] == least);
  out = run(one_node("Sub", 2), {ints({1}, {1}, Dtype::uint8), ints({1}, {2}, Dtype::uint8)});
  REQUIRE(out);
  CHECK(load<std::int64_t>(*out)[0] == 255);
}

TEST_CASE("Softmax means a matrix before opset 13 and an axis since") {
  const Value x = floats({2, 2, 2}, {0, 0, 0, 0, 0, 0, 0, 0});
  const auto old = run(one_node("Softmax", 1, {}, 11), {x}), now = run(one_node("Softmax", 1, {}, 13), {x});
  REQUIRE(old);
  REQUIRE(now);
  CHECK(load<double>(*old)[0] == 0.25);
  CHECK(load<double>(*now)[0] == 0.5);
}

TEST_CASE("an unknown operator, domain or opset is unsupported and named") {
  auto model = one_node("Frobnicate", 1);
  auto loaded = Session::load(model);
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().text() == "refrt.unsupported: node n: operator Frobnicate of domain ai.onnx at opset 13");
  CHECK(slug(Session::load(one_node("Relu", 1, {}, 99))) == "refrt.unsupported");
  CHECK(slug(Session::load(one_node("Trilu", 1, {}, 13))) == "refrt.unsupported");
}

TEST_CASE("a graph with an undefined or doubled edge is refused at load") {
  auto model = one_node("Relu", 1);
  model.graph.nodes[0].inputs[0] = "nowhere";
  CHECK(slug(Session::load(model)) == "refrt.invalid");
  model = one_node("Relu", 1);
  model.graph.nodes.push_back(model.graph.nodes[0]);
  CHECK(slug(Session::load(model)) == "refrt.invalid");
  model = one_node("Relu", 1);
  model.graph.outputs[0].name = "z";
  CHECK(slug(Session::load(model)) == "refrt.invalid");
}

TEST_CASE("inputs that contradict the declaration are refused") {
  auto model = one_node("Relu", 1);
  model.graph.inputs[0].dtype = Dtype::float32;
  model.graph.inputs[0].has_shape = true;
  model.graph.inputs[0].shape = {-1, 3};
  CHECK(slug(run(model, {floats({2, 3}, std::vector<double>(6))})) == "ok");
  CHECK(slug(run(model, {floats({2, 4}, std::vector<double>(8))})) == "refrt.invalid");
  CHECK(slug(run(model, {floats({2, 3}, std::vector<double>(6), Dtype::float64)})) == "refrt.invalid");
  CHECK(slug(run(model, {})) == "refrt.invalid");
  Value torn = floats({2, 3}, std::vector<double>(6));
  torn.tensor.data.pop_back();
  CHECK(slug(run(model, {torn})) == "refrt.invalid");
}

TEST_CASE("memory and work are refused before they are spent") {
  const Limits small{.elements_max = 1000, .bytes_max = 100000, .work_max = 50000};
  CHECK(slug(run(one_node("Expand", 2), {floats({1}, {1}), ints({2}, {1000, 1000})}, small)) == "refrt.limit");
  CHECK(slug(run(one_node("Expand", 2), {floats({1}, {1}), ints({3}, {1ll << 40, 1ll << 40, 0})}, small)) ==
        "refrt.limit");
  CHECK(slug(run(one_node("MatMul", 2),
                 {floats({30, 30}, std::vector<double>(900)), floats({30, 30}, std::vector<double>(900))}, small)) ==
        "ok");
  CHECK(slug(run(one_node("MatMul", 2),
                 {floats({1, 30, 30}, std::vector<double>(900)), floats({1, 30, 30}, std::vector<double>(900))},
                 {.elements_max = 1000, .bytes_max = 100000, .work_max = 20000})) == "refrt.limit");
  CHECK(slug(run(one_node("ConstantOfShape", 1), {ints({2}, {-1, 4})}, small)) == "refrt.invalid");
}

TEST_CASE("a loop without an end reaches the work limit") {
  onnx::Model model = one_node("Loop", 0, {}, 13);
  auto body = std::make_shared<onnx::Graph>();
  for (const char* name : {"i", "go"}) {
    onnx::ValueInfo info;
    info.name = name;
    body->inputs.push_back(info);
  }
  onnx::Node same;
  same.op_type = "Identity";
  same.inputs = {"go"};
  same.outputs = {"on"};
  body->nodes.push_back(same);
  onnx::ValueInfo on;
  on.name = "on";
  body->outputs.push_back(on);
  body->outputs.push_back(body->inputs[0]);  // collected in every turn
  onnx::Attribute a;
  a.name = "body";
  a.type = 5;
  a.g = body;
  model.graph.nodes[0].inputs = {"", ""};
  model.graph.nodes[0].attributes = {a};
  CHECK(slug(run(model, {}, {.work_max = 1e6})) == "refrt.limit");
}

TEST_CASE("a convolution agrees with its definition under stride, dilation, padding and groups") {
  // x [1,2,5,5], w [2,1,3,3], group 2: computed here the slow way.
  std::vector<double> x(50), w(18);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<double>(i % 7) - 3;
  for (std::size_t i = 0; i < w.size(); ++i) w[i] = static_cast<double>(i % 5) - 2;
  const auto list = [](std::string name, std::vector<std::int64_t> v) {
    onnx::Attribute a;
    a.name = std::move(name);
    a.type = 7;
    a.ints = std::move(v);
    return a;
  };
  const auto out = run(
      one_node("Conv", 2,
               {number("group", 2), list("strides", {2, 1}), list("dilations", {1, 2}), list("pads", {1, 2, 0, 1})}),
      {floats({1, 2, 5, 5}, x), floats({2, 1, 3, 3}, w)});
  REQUIRE(out);
  const std::int64_t rows = (5 + 1 + 0 - 3) / 2 + 1, columns = (5 + 2 + 1 - 5) / 1 + 1;
  CHECK(out->shape == Shape{1, 2, rows, columns});
  const auto y = load<double>(*out);
  for (std::int64_t c = 0; c < 2; ++c)
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < columns; ++j) {
        double sum = 0;
        for (std::int64_t a = 0; a < 3; ++a)
          for (std::int64_t b = 0; b < 3; ++b) {
            const std::int64_t r = i * 2 + a - 1, k = j + b * 2 - 2;
            if (r >= 0 && r < 5 && k >= 0 && k < 5)
              sum +=
                  x[static_cast<std::size_t>((c * 5 + r) * 5 + k)] * w[static_cast<std::size_t>((c * 3 + a) * 3 + b)];
          }
        CHECK(y[static_cast<std::size_t>((c * rows + i) * columns + j)] == sum);
      }
}

TEST_CASE("every operator has one row per opset it serves, and the list is sorted") {
  const auto names = operators();
  CHECK(names.size() >= 170);
  CHECK(std::ranges::is_sorted(names));
  for (const std::string& name : names)
    if (!name.starts_with("ai.onnx")) {
      bool found = false;
      for (int opset = 1; opset <= opset_max; ++opset) found = found || find_op(name, "", opset);
      CHECK_MESSAGE(found, name);
    }
}
