#include "statement/canonical.h"

#include <doctest/doctest.h>

#include "base/seams.h"

using namespace hz;
using namespace hz::statement;

namespace {
std::string refusal(std::string_view text) {
  const auto checked = check_canonical(text);
  const auto parsed = parse_canonical(text);
  REQUIRE_FALSE(checked);
  REQUIRE_FALSE(parsed);
  CHECK(checked.error().detail == parsed.error().detail);
  CHECK(checked.error().reason->slug == "statement.not_canonical");
  return checked.error().detail;
}

json::Value random_value(SeededRng& rng, int depth) {
  switch (rng.below(depth > 0 ? 7 : 5)) {
    case 0:
      return json::Value();
    case 1:
      return json::Value(rng.below(2) == 0);
    case 2:
      return json::Value(static_cast<std::int64_t>(rng.next() % (2 * 9007199254740991ULL + 1)) - 9007199254740991);
    case 3:
      return json::Value(static_cast<std::int64_t>(rng.below(100)));
    case 4: {
      constexpr std::string_view pieces[] = {"a", "\"", "\\", "\n", "\x01", "\x1f", "合", "😀", "é", "/", "\x7f", "Z"};
      std::string s;
      for (auto n = rng.below(6); n > 0; --n) s += pieces[rng.below(std::size(pieces))];
      return json::Value(std::move(s));
    }
    case 5: {
      json::Array items;
      for (auto n = rng.below(4); n > 0; --n) items.push_back(random_value(rng, depth - 1));
      return json::Value(std::move(items));
    }
    default: {
      json::Object members;
      constexpr std::string_view keys[] = {"b", "a", "Z", "_", "9", "aa", "a_b"};
      for (const auto key : keys)
        if (rng.below(3) == 0) members.emplace_back(std::string(key), random_value(rng, depth - 1));
      return json::Value(std::move(members));
    }
  }
}
}  // namespace

TEST_CASE("canonical: what the writer writes, the scanner accepts and reads back; nothing else has the same value") {
  SeededRng rng(20261124);
  for (int i = 0; i < 2000; ++i) {
    CAPTURE(i);
    const json::Value value = random_value(rng, 4);
    const std::string text = canonical(value).value();
    CAPTURE(text);
    REQUIRE(check_canonical(text));
    const json::Value back = parse_canonical(text).value();
    CHECK(canonical(back).value() == text);
    CHECK(json::dump(json::parse(text).value()) == text);
  }
}

TEST_CASE("canonical: a changed byte is refused or is the canonical text of another value") {
  SeededRng rng(7);
  for (int i = 0; i < 3000; ++i) {
    std::string text = canonical(random_value(rng, 3)).value();
    text[rng.below(text.size())] = static_cast<char>(rng.below(256));
    CAPTURE(text);
    const auto parsed = parse_canonical(text);
    CHECK(parsed.has_value() == check_canonical(text).has_value());
    if (parsed) CHECK(canonical(*parsed).value() == text);
  }
}

TEST_CASE("canonical: a refusal names offset, JSON path and the rule") {
  CHECK(refusal(R"({"a":{"b":[1,2.5]}})") == "offset 14 at $.a.b[1]: only integers are signed");
  CHECK(refusal(R"({"b":1,"a":2})") == "offset 8 at $.b: keys are not in byte order");
  CHECK(refusal(R"({"a":1,"a":2})") == "offset 8 at $.a: a key appears twice");
  CHECK(refusal(R"({"a":1 })") == "offset 6 at $.a: ',' or '}' should be here");
  CHECK(refusal("") == "offset 0 at $: not a value");
}

TEST_CASE("canonical: every second spelling of a value is refused") {
  for (const char* bad : {" 1",
                          "1 ",
                          "01",
                          "-0",
                          "+1",
                          "1.0",
                          "1e0",
                          "1E2",
                          "9007199254740992",
                          "-9007199254740992",
                          "99999999999999999999",
                          "\"\\/\"",
                          "\"\\u0041\"",
                          "\"\\u000a\"",
                          "\"\\u001F\"",
                          "\"\\u0001",
                          "\"\\u00e9\"",
                          "\"\x01\"",
                          "\"\t\"",
                          "\"abc",
                          "\"\\x\"",
                          "{\"a b\":1}",
                          "{\"\":1}",
                          "{\"é\":1}",
                          "{\"a\":1,}",
                          "[1,]",
                          "[,1]",
                          "[1 ,2]",
                          "{\"a\": 1}",
                          "{a:1}",
                          "tru",
                          "True",
                          "nul",
                          "NaN",
                          "1 2",
                          "{}{}",
                          "\"\xc0\x80\"",
                          "\"\xed\xa0\x80\"",
                          "\"\xf4\x90\x80\x80\"",
                          "\"\xe5\x90\"",
                          "\"\xff\"",
                          "\"\\ud83d\\ude00\"",
                          "-",
                          "[",
                          "{",
                          "{\"a\"",
                          "{\"a\":",
                          "{\"aa\":1,\"a\":2}",
                          "\xef\xbb\xbf{}",
                          "'a'"})
    refusal(bad);
}

TEST_CASE("canonical: the edges of the subset are inside") {
  for (const char* good :
       {"0", "-1", "9007199254740991", "-9007199254740991", "\"\\u001f\\u0000\\b\\t\\n\\f\\r\\\"\\\\\"", "\"\x7f/\"",
        "{\"A\":1,\"Z\":2,\"_\":3,\"a\":4,\"aa\":5}", "[]", "{}", "null", "true", "false"})
    CHECK(check_canonical(good));
}

TEST_CASE("canonical: sixteen levels are accepted, seventeen are not") {
  const auto nested = [](int levels) { return std::string(levels, '[') + std::string(levels, ']'); };
  CHECK(check_canonical(nested(16)));
  CHECK(refusal(nested(17)).find("more than 16 levels") != std::string::npos);
  json::Value value;
  for (int i = 0; i < 16; ++i) value = json::Value(json::Array{value});
  CHECK(canonical(value));
  CHECK_FALSE(canonical(json::Value(json::Array{value})));
}

TEST_CASE("canonical: the writer refuses what has no canonical text") {
  const auto why_not = [](json::Value v) {
    json::Value outer;
    outer.set("x", std::move(v));
    return canonical(outer).error().detail;
  };
  CHECK(why_not(1.5) == "at $.x: only integers are signed");
  CHECK(why_not(std::int64_t{9007199254740992}) == "at $.x: an integer beyond 2^53-1");
  CHECK(why_not("\xff") == "at $.x: bytes that are not UTF-8");
  CHECK(why_not(json::Object{{"a-b", 1}}) == "at $.x.a-b: a key has only letters, digits and underscores");
  CHECK(why_not(json::Object{{"a", 1}, {"a", 2}}) == "at $.x.a: a key appears twice");
  CHECK(why_not(json::Object{{"b", 1}, {"a", 1}, {"b", 2}}) == "at $.x.b: a key appears twice");
}
