#include "alliance/audience.h"

#include <doctest/doctest.h>

using namespace hz;
using namespace hz::alliance;

namespace {

// Members a, b, c of x.example; b is in group g and clean team t; d is listed everywhere and no member any more.
MembershipFacts facts() {
  return {
      .is_member = [](std::string_view m) { return m == "x.example/a" || m == "x.example/b" || m == "x.example/c"; },
      .in_group =
          [](std::string_view owner, std::string_view g, std::string_view m) {
            return owner == "x.example/a" && g == "g" && (m == "x.example/b" || m == "x.example/d");
          },
      .in_clean_team =
          [](std::string_view owner, std::string_view t, std::string_view m) {
            return owner == "x.example/a" && t == "t" && (m == "x.example/b" || m == "x.example/d");
          }};
}
bool reads(std::string_view text, std::string_view reader, std::int64_t now_ms = 0) {
  return may_read(Audience::parse(text).value(), "x.example/a", reader, facts(), now_ms);
}

constexpr std::string_view a = "x.example/a", b = "x.example/b", c = "x.example/c", d = "x.example/d",
                           stranger = "y.example/z";

}  // namespace

TEST_CASE("audience: public is read by everyone, and is the only class that is not sealed") {
  for (const auto reader : {a, b, d, stranger}) CHECK(reads("public", reader));
  CHECK_FALSE(Audience::parse("public")->sealed());
  for (const char* text : {"members", "group:g", "bilateral:x.example/a,x.example/b", "clean-team:t",
                           "sealed-until:2026-12-31T00:00:00Z", "owner"})
    CHECK(Audience::parse(text)->sealed());
}
TEST_CASE("audience: members is read by members, not by strangers or members that are gone") {
  CHECK(reads("members", c));
  CHECK_FALSE(reads("members", d));
  CHECK_FALSE(reads("members", stranger));
}
TEST_CASE("audience: a group is read by the members on its list, not by others, and not by a list entry that is gone") {
  CHECK(reads("group:g", b));
  CHECK_FALSE(reads("group:g", c));
  CHECK_FALSE(reads("group:g", d));
  CHECK_FALSE(reads("group:h", b));
}
TEST_CASE("audience: a bilateral is read by its two parties only, and only when its owner is one of them") {
  CHECK(reads("bilateral:x.example/b,x.example/a", b));
  CHECK_FALSE(reads("bilateral:x.example/a,x.example/b", c));
  CHECK_FALSE(reads("bilateral:x.example/b,x.example/c", b));
}
TEST_CASE("audience: a clean team is read by its people, and being in a group of that name is not enough") {
  CHECK(reads("clean-team:t", b));
  CHECK_FALSE(reads("clean-team:t", c));
  CHECK_FALSE(reads("clean-team:g", b));
}
TEST_CASE("audience: sealed-until opens to members at its time, not a millisecond before, and never to strangers") {
  const std::int64_t at = Audience::parse("sealed-until:2026-12-31T00:00:00Z")->until_ms;
  CHECK(at == 1798675200000);
  CHECK(reads("sealed-until:2026-12-31T00:00:00Z", b, at));
  CHECK_FALSE(reads("sealed-until:2026-12-31T00:00:00Z", b, at - 1));
  CHECK_FALSE(reads("sealed-until:2026-12-31T00:00:00Z", stranger, at));
}
TEST_CASE("audience: owner is read by the owner alone, and is what a class is when nothing is said") {
  CHECK(reads("owner", a));
  CHECK_FALSE(reads("owner", b));
  CHECK(Audience{} == Audience::parse("owner").value());
  CHECK_FALSE(may_read(Audience{}, a, b, facts(), 0));
}
TEST_CASE("audience: the owner reads every class, and without facts nobody else does") {
  for (const char* text : {"members", "group:h", "bilateral:x.example/a,x.example/b", "clean-team:h",
                           "sealed-until:2026-12-31T00:00:00Z"}) {
    CHECK(reads(text, a));
    CHECK_FALSE(may_read(Audience::parse(text).value(), a, b, {}, INT64_MAX));
  }
}
TEST_CASE("audience: one class has one text, here and in the header; other texts are refused") {
  for (const char* text : {"public", "members", "group:a.b_c-9", "bilateral:a.example/m,b.example/m", "clean-team:t",
                           "sealed-until:2026-02-28T23:59:59Z", "owner"}) {
    CAPTURE(text);
    const Audience audience = Audience::parse(text).value();
    CHECK(audience.format() == text);
    CHECK(Audience::of_header(audience.header("x.example/a"), "x.example/a").value() == audience);
  }
  CHECK(Audience::parse("bilateral:b.example/m,a.example/m")->format() == "bilateral:a.example/m,b.example/m");
  CHECK_FALSE(Audience::of_header(std::vector<std::string>{"x.example/b"}, "x.example/a"));
  for (const char* bad :
       {"", "everyone", "group:", "group:A", "group:a b", "bilateral:", "bilateral:a.example/m",
        "bilateral:a.example/m,a.example/m", "bilateral:a.example/m,b.example/m,c.example/m",
        "bilateral:a b,c.example/m", "clean-team:", "sealed-until:", "sealed-until:2026-02-30T00:00:00Z",
        "sealed-until:2026-12-31T24:00:00Z", "sealed-until:2026-12-31", "sealed-until:2026-12-31T00:00:00z",
        "sealed-until:1969-12-31T00:00:00Z", "Owner", "owner "}) {
    CAPTURE(bad);
    const auto parsed = Audience::parse(bad);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().reason->slug == "alliance.audience");
  }
}
