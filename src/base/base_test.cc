#include <doctest/doctest.h>

#include "base/bytes.h"
#include "base/fields.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/seams.h"

using namespace hz;

TEST_CASE("base64: the RFC 4648 examples round-trip and loose forms are refused") {
  const std::pair<const char*, const char*> examples[] = {{"", ""},
                                                          {"f", "Zg=="},
                                                          {"fo", "Zm8="},
                                                          {"foo", "Zm9v"},
                                                          {"foob", "Zm9vYg=="},
                                                          {"fooba", "Zm9vYmE="},
                                                          {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : examples) {
    CHECK(base64(as_bytes(plain)) == coded);
    CHECK(as_text(parse_base64(coded).value()) == plain);
  }
  for (const char* bad : {"Zg=", "Zg", "Zh==", "Zm9=", "Z===", "Zm 9", "Zg==Zg=="}) CHECK_FALSE(parse_base64(bad));
}

TEST_CASE("hex: upper case and odd lengths are refused") {
  CHECK(hex(parse_hex("00ff10").value()) == "00ff10");
  CHECK_FALSE(parse_hex("0"));
  CHECK_FALSE(parse_hex("0G"));
  CHECK_FALSE(parse_hex("FF"));
  CHECK_FALSE(parse_digest("00"));
}

TEST_CASE("utf8: overlong forms, surrogates and cut sequences are refused") {
  CHECK(valid_utf8("合纵 é 😀"));
  for (const char* bad : {"\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe5\x90", "\xff"})
    CHECK_FALSE(valid_utf8(bad));
}

TEST_CASE("json: equal values give equal text whatever the order of keys") {
  const auto a = json::parse(R"({"b":[1,-2,true,null],"a":"x\u00e9\ud83d\ude00\n"})").value();
  const auto b = json::parse(" { \"a\" : \"xé😀\\n\" , \"b\" : [ 1 , -2 , true , null ] } ").value();
  CHECK(json::dump(a) == json::dump(b));
  CHECK(json::dump(a) == "{\"a\":\"xé😀\\n\",\"b\":[1,-2,true,null]}");
}

TEST_CASE("json: bad documents are refused with line and column") {
  const auto r = json::parse("{\n  \"a\": 01\n}");
  REQUIRE_FALSE(r);
  CHECK(r.error().reason->slug == "base.json_syntax");
  CHECK(r.error().detail.starts_with("line 2 column"));
  for (const char* bad : {"", "{", "[1,]", "{\"a\":1,\"a\":2}", "\"\\ud800\"", "\"\t\"", "nul", "1 2", "[1e999]", "-",
                          "1.", "+1", "{\"a\" 1}", "\"\\x\""})
    CHECK_FALSE(json::parse(bad));
  CHECK(json::parse(std::string(100, '[')).error().reason->slug == "base.json_depth");
  CHECK(json::parse("\"\xff\"").error().reason->slug == "base.utf8");
  CHECK(json::parse("[1,2]", {.size_bytes_max = 3}).error().reason->slug == "base.too_large");
}

namespace {
enum class Colour { red, blue };
[[maybe_unused]] constexpr auto enum_names(Colour) {
  return std::array<EnumName<Colour>, 2>{{{Colour::red, "red"}, {Colour::blue, "blue"}}};
}
struct Inner {
  std::int64_t n = 0;
  static constexpr auto fields() { return rows(row("n", &Inner::n, "a number")); }
};
struct Outer {
  std::string name;
  Colour colour = Colour::red;
  std::vector<Inner> inner;
  std::optional<bool> flag;
  static constexpr auto fields() {
    return rows(row("name", &Outer::name, "a name"), row("colour", &Outer::colour, "a colour"),
                row("inner", &Outer::inner, "parts"), row("flag", &Outer::flag, "may be absent"));
  }
};
}  // namespace

TEST_CASE("fields: one list writes, reads and describes a struct") {
  const Outer value{"x", Colour::blue, {{1}, {2}}, std::nullopt};
  const auto text = json::dump(to_json(value));
  CHECK(text == R"({"colour":"blue","inner":[{"n":1},{"n":2}],"name":"x"})");
  const auto back = from_json<Outer>(json::parse(text).value());
  REQUIRE(back);
  CHECK(back->inner[1].n == 2);
  CHECK(json::dump(schema<Outer>()).find(R"("enum":["red","blue"])") != std::string::npos);
}

TEST_CASE("fields: a wrong document is refused with its JSON path") {
  const auto detail = [](const char* text) { return from_json<Outer>(json::parse(text).value()).error().detail; };
  CHECK(detail(R"({"colour":"blue"})") == "$.name is missing");
  CHECK(detail(R"({"name":"x","colour":"green"})") == "$.colour should be one of red blue");
  CHECK(detail(R"({"name":"x","colour":"red","inner":[{"n":1},{"n":"2"}]})") ==
        "$.inner[1].n should be an integer in range");
  CHECK(detail(R"({"name":"x","colour":"red","extra":1})") == "$.extra is not a known field");
}

TEST_CASE("fs: a durable write replaces the whole file and a limit refuses a large one") {
  const TempDir dir;
  const auto path = dir.path() / "f";
  REQUIRE(write_file_durably(path, as_bytes("one")));
  REQUIRE(write_file_durably(path, as_bytes("second")));
  CHECK(read_text(path, 100).value() == "second");
  CHECK(read_file(path, 3).error().reason->slug == "base.too_large");
  CHECK(read_file(dir.path() / "none", 3).error().reason->slug == "base.read");
}

TEST_CASE("seams: a seeded generator repeats and UTC text is exact") {
  SeededRng a(7), b(7);
  CHECK(a.next() == b.next());
  CHECK(utc_text(0) == "1970-01-01T00:00:00Z");
  CHECK(utc_text(1795442706123) == "2026-11-23T14:05:06Z");
}
