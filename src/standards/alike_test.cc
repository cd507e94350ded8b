#include "standards/alike.h"

#include <doctest/doctest.h>

#include <cstring>

using namespace hz;
using namespace hz::standards;

namespace {

std::string json_answer(std::string_view data, std::string_view shape = "[2,3]") {
  return R"({"model_name":"m {","outputs":[{"name":"y","datatype":"FP32","shape":)" + std::string(shape) +
         R"(,"data":)" + std::string(data) + "}]}";
}
std::string binary_answer(const std::vector<float>& values) {
  std::string out =
      R"({"outputs":[{"name":"y","datatype":"FP32","shape":[2,3],"parameters":{"binary_data_size":24}}]})";
  std::string raw(values.size() * 4, '\0');
  std::memcpy(raw.data(), values.data(), raw.size());
  return out + raw;
}
Alike both(const std::string& got, const std::string& want) {
  return alike(read_infer_answer(as_bytes(got)).value(), read_infer_answer(as_bytes(want)).value());
}

}  // namespace

TEST_CASE("alike: the two forms of an answer say the same, nested or flat, and rounding is no difference") {
  const Alike seen = both(json_answer("[[1,2,3],[6.0000001,5,4]]"), binary_answer({1, 2, 3, 6, 5, 4}));
  CHECK(seen.judged == 2);
  CHECK(seen.agreeing == 2);
  CHECK(seen.logits != Match::different);
  CHECK(both(json_answer("[1,2,3,6,5,4]"), json_answer("[1,2,3,6,5,4]")).logits == Match::equal);
}

TEST_CASE("alike: another first class is a row that does not agree, a tie of the reference is none at all") {
  const Alike one = both(json_answer("[1,2,3,4,5,6]"), json_answer("[1,2,3,6,5,4]"));
  CHECK(one.judged == 2);
  CHECK(one.agreeing == 1);
  CHECK(one.logits == Match::different);
  const Alike tie = both(json_answer("[1,2,3,7,6,4]"), json_answer("[1,2,3,6,6,4]"));
  CHECK(tie.judged == 1);
  CHECK(tie.agreeing == 1);
  // Same first class with other logits: agreement and the logits rule are two things.
  const Alike drift = both(json_answer("[1,2,9,6,5,4]"), json_answer("[1,2,3,6,5,4]"));
  CHECK(drift.agreeing == 2);
  CHECK(drift.logits == Match::different);
}

TEST_CASE("alike: another shape, name or number of outputs does not agree") {
  const Alike seen = both(json_answer("[1,2,3,6,5,4]", "[3,2]"), json_answer("[1,2,3,6,5,4]"));
  CHECK(seen.judged == 1);
  CHECK(seen.agreeing == 0);
  const std::string words = R"({"outputs":[{"name":"y","datatype":"BYTES","shape":[1],"data":["cat"]}]})";
  const std::string other = R"({"outputs":[{"name":"y","datatype":"BYTES","shape":[1],"data":["dog"]}]})";
  CHECK(both(words, words).agreeing == 1);
  CHECK(both(words, other).agreeing == 0);
  CHECK(both(words, json_answer("[1,2,3,6,5,4]")).agreeing == 0);
}

TEST_CASE("alike: what is no answer is refused") {
  for (const std::string& bad :
       {std::string(), std::string("{"), std::string(R"({"error":"no"})"), std::string(R"({"outputs":[]})"),
        json_answer("[1,2,3]"), json_answer("[1,2,3,4,5,6,7]"), json_answer("[1,2,3,4,5,\"6\"]"),
        json_answer("[]", "[99999999,99999999]"), binary_answer({1, 2, 3}),
        std::string(R"({"outputs":[{"name":"y","datatype":"FP16","shape":[1],"data":[1]}]})")}) {
    CAPTURE(bad);
    CHECK_FALSE(read_infer_answer(as_bytes(bad)));
  }
}
