#include "standards/suite.h"

#include <doctest/doctest.h>

#include <map>

#include "base/text_match.h"

using namespace hz;
using namespace hz::standards;

TEST_CASE("glob: stars stand for any text, everything else for itself") {
  CHECK(glob("node/test_conv*", "node/test_conv_with_strides"));
  CHECK(glob("*conv*", "node/test_conv"));
  CHECK(glob("a*b*c", "a-b-b-c"));
  CHECK(glob("*", ""));
  CHECK_FALSE(glob("a*b", "a-b-c"));
  CHECK_FALSE(glob("", "a"));
  CHECK_FALSE(glob("a?", "ab"));
  // Exponential matchers hang here.
  CHECK_FALSE(glob("*a*a*a*a*a*a*a*a*a*a*b", std::string(2000, 'a')));
}

TEST_CASE("errata: the list built in is valid, and every entry has a reason") {
  const Errata& errata = builtin_errata();
  CHECK(errata.entries.size() >= 10);
  CHECK(errata.digest.size() == 64);
  CHECK(errata.find("node/test_bernoulli_seed")->cls == ErratumClass::random);
  CHECK(errata.find("node/test_training_dropout_zero_ratio") == nullptr);
  CHECK(errata.find("node/test_abs") == nullptr);
}

TEST_CASE("errata: lists that waive everything, lack reasons or mix classes are refused") {
  const auto slug = [](std::string_view entries) {
    const auto r = parse_errata(fmt::format(R"({{"format":"hezong-errata/1","suite":"s","entries":[{}]}})", entries));
    return r ? std::string("ok") : std::string(r.error().reason->slug);
  };
  CHECK(slug(R"({"cases":"a","class":"random","reason":"r"})") == "ok");
  CHECK(slug(R"({"cases":"*","class":"random","reason":"r"})") == "standards.errata");
  CHECK(slug(R"({"cases":"a","class":"random","reason":""})") == "standards.errata");
  CHECK(slug(R"({"cases":"a","class":"encoding","reason":"r"})") == "standards.errata");
  CHECK(slug(R"({"cases":"a","class":"random","repair":"uint16_is_bfloat16","reason":"r"})") == "standards.errata");
  CHECK(slug(R"({"cases":"a","class":"lucky","reason":"r"})") == "base.json_field");
  CHECK_FALSE(parse_errata(R"({"format":"hezong-errata/2","suite":"s","entries":[]})"));
  CHECK_FALSE(parse_errata("{"));
}

TEST_CASE("suite: an empty folder and a pattern without a match are refused by name") {
  const TempDir empty;
  CHECK(read_suite(empty.path(), {}, builtin_errata()).error().reason->slug == "standards.no_suite");
}

TEST_CASE("suite: all 1,072 official cases are read, attributed and digested the same on every reading") {
  if (!fs::exists(suite_folder_debian)) {
    MESSAGE("libonnx-testdata is not installed: skipped");
    return;
  }
  const Suite suite = read_suite(suite_folder_debian, {}, builtin_errata(), 2).value();
  CHECK(suite.cases.size() == 1072);
  std::size_t inputs = 0, outputs = 0, attributed = 0;
  std::map<std::string, int> operators;
  for (const Case& c : suite.cases) {
    inputs += c.inputs.size();
    outputs += c.expected.size();
    if (!c.key.op_type.empty()) ++attributed, ++operators[c.key.op_type];
  }
  CHECK(inputs == 1939);
  CHECK(outputs == 1266);
  CHECK(attributed >= 900);
  CHECK(operators.size() >= 150);
  MESSAGE("read in " << suite.read_us << " us; attributed " << attributed << " cases to " << operators.size()
                     << " operators");
  CHECK(read_suite(suite_folder_debian, {}, builtin_errata(), 1)->digest == suite.digest);
  CHECK(read_suite(suite_folder_debian, {"nothing"}, builtin_errata()).error().reason->slug == "standards.pattern");
  CHECK(read_suite(suite_folder_debian, {"test_abs"}, builtin_errata())->cases.size() == 1);
}
