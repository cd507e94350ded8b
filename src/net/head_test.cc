#include "net/head.h"

#include <doctest/doctest.h>

#include "net/range.h"
#include "net/url.h"

using namespace hz;
using namespace hz::net;

TEST_CASE("range: the forms of RFC 9110 and what is no range") {
  using enum Range::Kind;
  const auto is = [](std::string_view text, Range::Kind kind, std::uint64_t offset, std::uint64_t length) {
    const Range r = parse_range(text, 10);
    CAPTURE(text);
    CHECK(r.kind == kind);
    CHECK(r.offset == offset);
    CHECK(r.length == length);
  };
  is("bytes=0-0", part, 0, 1);
  is("bytes=2-", part, 2, 8);
  is("bytes=2-99", part, 2, 8);
  is("bytes=-3", part, 7, 3);
  is("bytes=-99", part, 0, 10);
  is("bytes=-0", unsatisfiable, 0, 0);
  is("bytes=10-", unsatisfiable, 0, 0);
  for (const char* whole_text : {"", "bytes=", "bytes=-", "bytes=5-2", "bytes=1-2,4-5", "bytes=a-b", "bytes= 1-2",
                                 "bytes=99999999999999999999-"})
    is(whole_text, whole, 0, 10);
  CHECK(parse_range("bytes=-1", 0).kind == unsatisfiable);
}

TEST_CASE("url: taken apart and put together; what is none is refused") {
  const auto url = parse_url("https://[::1]:8443/log/acme/");
  REQUIRE(url);
  CHECK(url->host == "::1");
  CHECK(url->port == 8443);
  CHECK(url->prefix == "/log/acme");
  CHECK(url->text() == "https://[::1]:8443/log/acme");
  CHECK(parse_url("http://a.example")->text() == "http://a.example");
  CHECK(parse_url("http://a.example:80")->authority() == "a.example");
  for (const char* bad : {"", "a.example", "ftp://a", "http://", "http://:1", "http://a:0", "http://a:65536",
                          "http://a:", "http://a:1x", "http://u@a/", "http://a/?q", "http://a/#f", "http://a b/",
                          "http://[::1", "http://[a]/", "http://[::1]x", "http://a/\r\nx"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_url(bad));
  }
}

TEST_CASE("head: dates are IMF-fixdate") { CHECK(imf_date(784'111'777) == "Sun, 06 Nov 1994 08:49:37 GMT"); }

TEST_CASE("content-range: one form is read, and only a part that can be") {
  const auto said = parse_content_range("bytes 5-9/10");
  REQUIRE(said);
  CHECK(said->first == 5);
  CHECK(said->last == 9);
  CHECK(said->total == 10);
  for (const char* no : {"", "bytes", "bytes 0-9", "bytes 0-9/*", "bytes */10", "bytes 9-5/10", "bytes 0-10/10",
                         "bytes 0-9/10 ", "bytes=0-9/10", "bytes 0-9/99999999999999999999", "bytes -1-9/10"})
    CHECK_FALSE(parse_content_range(no));
}
