#include "oip_json.h"

#include <doctest/doctest.h>

#include <cstring>
#include <limits>

using namespace hz;
using namespace hz::host;
using namespace hz::host::oip;
using onnx::Dtype;

namespace {

constexpr std::size_t limit = 1 << 20;

Result<InferRequest> decode(std::string_view text, std::optional<std::size_t> json_length = {}) {
  return decode_infer(as_bytes(text), json_length, limit);
}

template <class T>
std::vector<T> numbers(const onnx::Tensor& tensor) {
  std::vector<T> out(tensor.data.size() / sizeof(T));
  if (!out.empty()) std::memcpy(out.data(), tensor.data.data(), tensor.data.size());
  return out;
}

std::string one_input(std::string_view datatype, std::string_view shape, std::string_view data) {
  return fmt::format(R"({{"inputs":[{{"name":"x","datatype":"{}","shape":{},"data":{}}}]}})", datatype, shape, data);
}

onnx::Tensor floats(std::vector<std::int64_t> shape, std::vector<float> values) {
  onnx::Tensor t;
  t.dtype = Dtype::float32;
  t.shape = std::move(shape);
  t.data.resize(values.size() * 4);
  std::memcpy(t.data.data(), values.data(), t.data.size());
  return t;
}

onnx::Value named(std::string name, onnx::Tensor tensor) {
  tensor.name = name;
  return {onnx::Value::Type::tensor, std::move(tensor), {}, std::move(name)};
}

onnx::ValueInfo port(std::string name, Dtype dtype, std::vector<std::int64_t> shape) {
  onnx::ValueInfo out;
  out.name = std::move(name);
  out.dtype = dtype;
  out.has_shape = true;
  out.shape = std::move(shape);
  return out;
}

}  // namespace

TEST_CASE("flat and nested JSON data give the same tensor") {
  const auto flat = decode(one_input("FP32", "[2,3]", "[1,2.5,3,4,5,6e0]"));
  const auto nested = decode(one_input("FP32", "[2,3]", "[[1,2.5,3],[4,5,6]]"));
  REQUIRE((flat && nested));
  CHECK(flat->inputs[0].data == nested->inputs[0].data);
  CHECK(numbers<float>(flat->inputs[0]) == std::vector<float>{1, 2.5, 3, 4, 5, 6});
}

TEST_CASE("each datatype keeps its extremes") {
  CHECK(numbers<std::int64_t>(
            decode(one_input("INT64", "[2]", "[-9223372036854775808,9223372036854775807]"))->inputs[0]) ==
        std::vector<std::int64_t>{std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()});
  CHECK(numbers<std::uint8_t>(decode(one_input("UINT8", "[2]", "[0,255]"))->inputs[0]) ==
        std::vector<std::uint8_t>{0, 255});
  CHECK(numbers<std::uint8_t>(decode(one_input("BOOL", "[3]", "[true,false,1]"))->inputs[0]) ==
        std::vector<std::uint8_t>{1, 0, 1});
  CHECK(decode(one_input("BYTES", "[2]", R"(["","合纵"])"))->inputs[0].strings == std::vector<std::string>{"", "合纵"});
  CHECK(numbers<double>(decode(one_input("FP64", "[]", "[0.1]"))->inputs[0]) == std::vector<double>{0.1});
}

TEST_CASE("data that contradicts datatype or shape is refused by name") {
  for (const auto& [datatype, shape, data] : {std::tuple{"UINT8", "[1]", "[256]"},
                                              {"UINT8", "[1]", "[-1]"},
                                              {"INT8", "[1]", "[1.5]"},
                                              {"INT64", "[1]", "[9223372036854775808]"},
                                              {"FP32", "[1]", "[1e39]"},
                                              {"FP32", "[2]", "[1]"},
                                              {"FP32", "[1]", "[1,2]"},
                                              {"FP32", "[2,2]", "[[1,2,3],[4]]"},
                                              {"FP32", "[2,2]", "[[1,2],3,4]"},
                                              {"FP32", "[2]", "[[1],[2]]"},
                                              {"FP32", "[1]", "\"1\""},
                                              {"FP32", "[1]", "[null]"},
                                              {"BOOL", "[1]", "[2]"},
                                              {"BYTES", "[1]", "[1]"},
                                              {"FP32", "[-1]", "[]"},
                                              {"FP32", "[4611686018427387904,4]", "[]"},
                                              {"FP32", "[1.5]", "[1]"},
                                              {"FP32", "3", "[1]"},
                                              {"FP128", "[1]", "[1]"},
                                              {"", "[1]", "[1]"}}) {
    CAPTURE(datatype);
    CAPTURE(shape);
    CAPTURE(data);
    const auto got = decode(one_input(datatype, shape, data));
    REQUIRE_FALSE(got);
    CHECK(got.error().reason->slug == "host.invalid");
    CHECK(got.error().detail.find('x') != std::string::npos);
  }
  CHECK(decode(one_input("FP16", "[1]", "[1]")).error().reason->slug == "host.unsupported");
}

TEST_CASE("binary inputs are cut from the bytes after the JSON, in order") {
  std::string body = R"({"inputs":[)"
                     R"({"name":"a","datatype":"FP32","shape":[2],"parameters":{"binary_data_size":8}},)"
                     R"({"name":"b","datatype":"INT64","shape":[1],"data":[5]},)"
                     R"({"name":"c","datatype":"BYTES","shape":[2],"parameters":{"binary_data_size":10}},)"
                     R"({"name":"d","datatype":"BF16","shape":[1],"parameters":{"binary_data_size":2}}]})";
  const std::size_t length = body.size();
  const float values[] = {1.5f, -2};
  body.append(reinterpret_cast<const char*>(values), 8);
  body.append("\2\0\0\0hi\0\0\0\0", 10);
  body.append("\x80\x3f", 2);
  const auto got = decode(body, length);
  REQUIRE(got);
  CHECK(numbers<float>(got->inputs[0]) == std::vector<float>{1.5f, -2});
  CHECK(got->inputs[2].strings == std::vector<std::string>{"hi", ""});
  CHECK(got->inputs[3].dtype == Dtype::bfloat16);

  CHECK_FALSE(decode(body, length + 1));
  CHECK_FALSE(decode(body, body.size() + 1));
  CHECK_FALSE(decode(body));
  CHECK_FALSE(decode(body + "x", length));
  CHECK_FALSE(decode(std::string_view(body).substr(0, body.size() - 1), length));
}

TEST_CASE("malformed requests are refused with what and where") {
  for (
      const char* text :
      {"", "{", "[]", "null", "{}", R"({"inputs":{}})", R"({"inputs":[1]})", R"({"inputs":[{}]})",
       R"({"inputs":[],"id":7})", R"({"inputs":[],"parameters":[]})", R"({"inputs":[],"outputs":{}})",
       R"({"inputs":[],"outputs":[{}]})", R"({"inputs":[],"outputs":[{"name":"a"},{"name":"a"}]})",
       R"({"inputs":[],"parameters":{"binary_data_output":"yes"}})",
       R"({"inputs":[{"name":"x","datatype":"FP32","shape":[1]}]})",
       R"({"inputs":[{"name":"x","datatype":"FP32","shape":[0],"data":[]},{"name":"x","datatype":"FP32","shape":[0],"data":[]}]})"}) {
    CAPTURE(text);
    const auto got = decode(text);
    REQUIRE_FALSE(got);
    CHECK(got.error().reason->code == Code::invalid);
    CHECK_FALSE(got.error().detail.empty());
  }
  CHECK(decode(std::string(limit + 1, ' ')).error().reason->slug == "host.too_large");
}

TEST_CASE("inputs are arranged by name and checked against the model") {
  const Signature signature{{port("a", Dtype::float32, {-1, 2}), port("b", Dtype::int64, {1})}, {}};
  const std::string a = R"({"name":"a","datatype":"FP32","shape":[1,2],"data":[1,2]})";
  const std::string b = R"({"name":"b","datatype":"INT64","shape":[1],"data":[3]})";
  const auto arranged = [&](const std::string& inputs) {
    auto request = decode(R"({"inputs":[)" + inputs + "]}");
    REQUIRE(request);
    return arrange(*request, signature);
  };
  auto good = arranged(b + "," + a);
  REQUIRE(good);
  CHECK((*good)[0].name == "a");
  CHECK(arranged(a).error().detail == "input b is missing");
  CHECK(arranged(a + "," + b + R"(,{"name":"c","datatype":"BOOL","shape":[0],"data":[]})").error().detail ==
        "the model has no input c");
  CHECK_FALSE(arranged(R"({"name":"a","datatype":"FP64","shape":[1,2],"data":[1,2]},)" + b));
  CHECK(arranged(R"({"name":"a","datatype":"FP32","shape":[2,1],"data":[1,2]},)" + b).error().detail ==
        "input a has shape [2,1], the model takes [-1,2]");
  CHECK_FALSE(arranged(R"({"name":"a","datatype":"FP32","shape":[2],"data":[1,2]},)" + b));
}

TEST_CASE("an answer in JSON reads back as the same numbers") {
  InferAnswer answer{"m", "1", "id-9", "", {named("y", floats({1, 3}, {0.1f, -1e-20f, 16777216}))}};
  const auto encoded = encode_infer(answer, {});
  REQUIRE(encoded);
  CHECK_FALSE(encoded->json_length);
  const auto document = json::parse(encoded->body);
  REQUIRE(document);
  CHECK(document->text("id") == "id-9");
  CHECK(document->find("parameters") == nullptr);
  const json::Value& output = (*document->find("outputs")->array())[0];
  onnx::Tensor again;
  again.dtype = Dtype::float32;
  again.shape = {1, 3};
  REQUIRE(read_json_data(again, *output.find("data")));
  CHECK(again.data == answer.outputs[0].tensor.data);
}

TEST_CASE("an answer in binary has the JSON length and the bytes in order") {
  InferAnswer answer{"m", "1", "", "coerced x", {named("y", floats({1}, {2})), named("z", floats({2}, {3, 4}))}};
  InferRequest request;
  request.outputs = {{"z", true}, {"y", false}};
  const auto encoded = encode_infer(answer, request);
  REQUIRE(encoded);
  REQUIRE(encoded->json_length);
  CHECK(encoded->body.size() == *encoded->json_length + 8);
  const auto document = json::parse(std::string_view(encoded->body).substr(0, *encoded->json_length));
  REQUIRE(document);
  CHECK(document->find("parameters")->text("hz_repairs") == "coerced x");
  CHECK((*document->find("outputs")->array())[0].text("name") == "z");
  CHECK(std::memcmp(encoded->body.data() + *encoded->json_length, answer.outputs[1].tensor.data.data(), 8) == 0);
}

TEST_CASE("what JSON cannot carry is refused and named, and binary carries it") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  InferAnswer answer{"m", "1", "", "", {named("y", floats({1}, {nan}))}};
  const auto text = encode_infer(answer, {});
  REQUIRE_FALSE(text);
  CHECK(text.error().reason->slug == "host.unsupported");
  InferRequest binary;
  binary.binary_output = true;
  CHECK(encode_infer(answer, binary));
  binary.outputs = {{"q", true}};
  CHECK(encode_infer(answer, binary).error().detail == "the model has no output q");
  answer.outputs[0].type = onnx::Value::Type::sequence;
  CHECK_FALSE(encode_infer(answer, {}));
}

TEST_CASE("load requests take one inline file with a config") {
  const auto good = decode_load(R"({"parameters":{"config":"{}","file:3/model.onnx":"AQI="}})", limit);
  REQUIRE(good);
  CHECK(*good->model == Bytes{1, 2});
  CHECK(good->version == "3");
  CHECK_FALSE(decode_load("", limit)->model);
  CHECK_FALSE(decode_load("{}", limit)->model);
  for (const char* text :
       {"{", "[]", R"({"parameters":7})", R"({"parameters":{"file:1/model.onnx":"AQI="}})",
        R"({"parameters":{"config":"no","file:1/model.onnx":"AQI="}})",
        R"({"parameters":{"config":"{}","file:0/model.onnx":"AQI="}})",
        R"({"parameters":{"config":"{}","file:1/../x":"AQI="}})", R"({"parameters":{"config":"{}","file:1":"AQI="}})",
        R"({"parameters":{"config":"{}","file:1/model.onnx":"AQI"}})", R"({"parameters":{"config":{}}})",
        R"({"parameters":{"config":"{}","file:1/model.onnx":"","file:2/model.onnx":""}})",
        R"({"parameters":{"secret":"x"}})"}) {
    CAPTURE(text);
    CHECK_FALSE(decode_load(text, limit));
  }
}
