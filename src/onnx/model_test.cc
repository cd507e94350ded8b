#include "onnx/model.h"

#include <doctest/doctest.h>

#include "base/test_result.h"
#include "onnx/reasons.h"

using namespace hz;
using namespace hz::onnx;

namespace {

// A message under construction, the mirror image of protobuf::Reader.
struct Message {
  Bytes bytes;
  Message& key(std::uint32_t field, int wire) {
    return varint(std::uint64_t{field} << 3 | static_cast<unsigned>(wire));
  }
  Message& varint(std::uint64_t v) {
    for (; v >= 0x80; v >>= 7) bytes.push_back(static_cast<std::uint8_t>(v | 0x80));
    bytes.push_back(static_cast<std::uint8_t>(v));
    return *this;
  }
  Message& number(std::uint32_t field, std::uint64_t v) { return key(field, 0).varint(v); }
  Message& text(std::uint32_t field, std::string_view v) {
    key(field, 2).varint(v.size());
    put(bytes, as_bytes(v));
    return *this;
  }
  Message& sub(std::uint32_t field, const Message& m) { return text(field, as_text(m.bytes)); }
};

Message tensor(std::int64_t dtype, std::vector<std::uint64_t> dims) {
  Message out;
  for (const auto d : dims) out.number(1, d);
  return out.number(2, static_cast<std::uint64_t>(dtype));
}

Bytes tiny_model() {
  const Message shape = Message().sub(1, Message().number(1, 3)).sub(1, Message().text(2, "n"));
  const Message info = Message().text(1, "x").sub(2, Message().sub(1, Message().number(1, 1).sub(2, shape)));
  const Message attribute = Message().text(1, "alpha").key(2, 5);
  Message filled = attribute;
  put(filled.bytes, Bytes{0, 0, 0x80, 0x3f});
  const Message node = Message().text(1, "x").text(2, "y").text(4, "LeakyRelu").sub(5, filled.number(20, 1));
  const Message graph = Message().sub(1, node).text(2, "g").sub(11, info).sub(12, info);
  return Message().number(1, 8).text(2, "test").sub(7, graph).sub(8, Message().number(2, 17)).bytes;
}

}  // namespace

TEST_CASE("a model decodes into nodes, attributes, shapes and opsets") {
  const auto model = decode_model(tiny_model());
  REQUIRE(model);
  CHECK(model->ir_version == 8);
  CHECK(model->producer_name == "test");
  CHECK(model->opset("") == 17);
  CHECK(model->opset("ai.onnx") == 17);
  CHECK(model->opset("ai.onnx.ml") == 0);
  REQUIRE(model->graph.nodes.size() == 1);
  const Node& node = model->graph.nodes[0];
  CHECK(node.op_type == "LeakyRelu");
  REQUIRE(node.find("alpha"));
  CHECK(node.find("alpha")->f == 1.0f);
  CHECK(node.find("beta") == nullptr);
  REQUIRE(model->graph.inputs.size() == 1);
  CHECK(model->graph.inputs[0].dtype == Dtype::float32);
  CHECK(model->graph.inputs[0].shape == std::vector<std::int64_t>{3, -1});
}

TEST_CASE("every proper prefix of a model is refused, as truncated or as a model without a graph") {
  const Bytes whole = tiny_model();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto model = decode_model(ByteView(whole).first(size));
    if (model) continue;  // a cut between top-level fields leaves a shorter valid message
    CHECK((slug(model) == "onnx.truncated" || slug(model) == "onnx.malformed"));
  }
  CHECK(slug(decode_model(ByteView(whole).first(whole.size() - 6))) == "onnx.truncated");
  CHECK(slug(decode_model({})) == "onnx.malformed");
}

TEST_CASE("an error names the message path and the byte offset") {
  const Message node = Message().text(1, "x").number(4, 7);  // op_type as a number
  const Bytes bytes = Message().sub(7, Message().sub(1, Message().text(4, "Abs")).sub(1, node)).bytes;
  const auto model = decode_model(bytes);
  REQUIRE_FALSE(model);
  CHECK(model.error().detail == "model.graph.node[1].op_type at byte 15: field 4 has wire type 0");
}

TEST_CASE("the same elements decode equal from raw bytes, from a packed list and from single fields") {
  const Bytes want = {1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff};
  const auto raw = decode_tensor(tensor(6, {2}).text(9, as_text(want)).bytes);
  const auto packed = decode_tensor(
      tensor(6, {2}).sub(5, Message().varint(1).varint(static_cast<std::uint64_t>(std::int64_t{-2}))).bytes);
  const auto single =
      decode_tensor(tensor(6, {2}).number(5, 1).number(5, static_cast<std::uint64_t>(std::int64_t{-2})).bytes);
  const auto data_first = decode_tensor(
      Message().number(5, 1).number(5, static_cast<std::uint64_t>(std::int64_t{-2})).number(2, 6).number(1, 2).bytes);
  for (const auto* t : {&raw, &packed, &single, &data_first}) {
    REQUIRE(*t);
    CHECK((*t)->data == want);
    CHECK((*t)->shape == std::vector<std::int64_t>{2});
  }
}

TEST_CASE("half floats and small integers come from int32_data in their own width") {
  const auto half = decode_tensor(tensor(10, {2}).sub(5, Message().varint(0x3c00).varint(0xbc00)).bytes);
  REQUIRE(half);
  CHECK(half->data == Bytes{0x00, 0x3c, 0x00, 0xbc});
  CHECK(slug(decode_tensor(tensor(2, {1}).number(5, 256).bytes)) == "onnx.malformed");
  CHECK(slug(decode_tensor(tensor(9, {1}).number(5, 2).bytes)) == "onnx.malformed");
  CHECK(slug(decode_tensor(tensor(12, {1}).number(11, std::uint64_t{1} << 32).bytes)) == "onnx.malformed");
}

TEST_CASE("strings stand beside the data") {
  const auto t = decode_tensor(tensor(8, {2}).text(6, "a").text(6, "").bytes);
  REQUIRE(t);
  CHECK(t->strings == std::vector<std::string>{"a", ""});
  CHECK(slug(decode_tensor(tensor(8, {3}).text(6, "a").bytes)) == "onnx.malformed");
}

TEST_CASE("a shape that contradicts the data, overflows or is negative is refused") {
  CHECK(slug(decode_tensor(tensor(1, {2}).text(9, "abcd").bytes)) == "onnx.malformed");
  CHECK(slug(decode_tensor(tensor(1, {static_cast<std::uint64_t>(-1)}).bytes)) == "onnx.malformed");
  CHECK(slug(decode_tensor(tensor(1, {1ull << 32, 1ull << 32}).bytes)) == "onnx.limit");
  CHECK(slug(decode_tensor(tensor(1, {0, 1ull << 62, 1ull << 62}).bytes)) == "onnx.limit");
  CHECK(slug(decode_tensor(tensor(1, {}).number(5, 1).bytes)) == "onnx.malformed");
  CHECK(slug(decode_tensor(tensor(17, {0}).bytes)) == "onnx.dtype");
  CHECK(slug(decode_tensor(tensor(1, {1}).number(14, 1).bytes)) == "onnx.external_data");
  CHECK(decode_tensor(tensor(1, {0, 4}).bytes));
}

TEST_CASE("size, depth and object limits hold") {
  CHECK(slug(decode_model(tiny_model(), {.size_bytes_max = 10})) == "onnx.limit");
  CHECK(slug(decode_model(tiny_model(), {.nodes_max = 0})) == "onnx.limit");
  CHECK(slug(decode_model(tiny_model(), {.items_max = 5})) == "onnx.limit");
  Message graph = Message().text(2, "inner");
  for (int depth = 0; depth < 40; ++depth) graph = Message().sub(1, Message().sub(5, Message().sub(6, graph)));
  CHECK(slug(decode_model(Message().sub(7, graph).bytes)) == "onnx.limit");
}

TEST_CASE("groups, field zero, over-long varints, doubled graphs and non-UTF-8 names are refused") {
  CHECK(slug(decode_model(Bytes{0x0b})) == "onnx.malformed");
  CHECK(slug(decode_model(Bytes{0x00, 0x00})) == "onnx.malformed");
  CHECK(slug(decode_model(Bytes{0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})) ==
        "onnx.malformed");
  const Message graph = Message().text(2, "g");
  CHECK(slug(decode_model(Message().sub(7, graph).sub(7, graph).bytes)) == "onnx.malformed");
  CHECK(slug(decode_model(Message().sub(7, Message().text(2, "\xff")).bytes)) == "onnx.malformed");
}

TEST_CASE("a suite file is read as the declared kind of value") {
  const Message one = tensor(1, {1}).text(9, "abcd");
  ValueInfo sequence, optional;
  sequence.is_tensor = optional.is_tensor = false;
  sequence.is_sequence = optional.is_optional = true;
  const auto list = decode_value(Message().number(2, 1).sub(3, one).sub(3, one).bytes, sequence);
  REQUIRE(list);
  CHECK(list->type == Value::Type::sequence);
  CHECK(list->sequence.size() == 2);
  const auto some = decode_value(Message().number(2, 1).sub(3, one).bytes, optional);
  REQUIRE(some);
  CHECK(some->type == Value::Type::tensor);
  const auto none = decode_value({}, optional);
  REQUIRE(none);
  CHECK(none->type == Value::Type::none);
}

TEST_CASE("every element type has a name that parses back") {
  for (int i = 0; i <= 16; ++i) CHECK(parse_dtype(dtype_name(static_cast<Dtype>(i))) == static_cast<Dtype>(i));
  CHECK(dtype_name(static_cast<Dtype>(99)) == "undefined");
  CHECK(parse_dtype("float8") == Dtype::undefined);
}
