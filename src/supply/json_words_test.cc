#include <doctest/doctest.h>

#include <regex>

#include "base/seams.h"
#include "supply/json_words.h"

using namespace hz;
using namespace hz::supply;

namespace {

constexpr std::string_view patterns[] = {
    "one_line", "hash",    "media_type",       "uuid_urn",           "locale",
    "bom_link", "country", "bom_element_link", "common_requirement", "patent_number"};
constexpr std::string_view starts[] = {
    "a line",
    "d41d8cd98f00b204e9800998ecf8427e",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "text/plain",
    "application/vnd.example+json",
    "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79",
    "en",
    "en-US",
    "urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1",
    "urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/12#part",
    "CRE:12-345",
    "DE",
    "US 2014/0351677 (A1)",
    "7",
    "",
};

}  // namespace

TEST_CASE("json words: every pattern decides as std::regex does, on texts near the edge") {
  const std::uint64_t seed = 20261127;
  SeededRng rng(seed);
  INFO("seed ", seed);
  constexpr std::string_view letters = "0aAfFgGzZ-/.#:+ ()\n\rurn_";
  for (const std::string_view name : patterns) {
    const WordForm* form = word_form(name);
    REQUIRE(form);
    REQUIRE_FALSE(form->regex.empty());
    const std::regex regex(std::string(form->regex), std::regex::ECMAScript);
    int fits = 0, breaks = 0;
    for (const std::string_view start : starts)
      for (int round = 0; round < 120; ++round) {
        std::string text(start);
        for (std::uint64_t edits = static_cast<std::uint64_t>(round) % 4; edits > 0; --edits) {
          const std::size_t at = rng.below(text.size() + 1);
          const char letter = letters[rng.below(letters.size())];
          switch (rng.below(3)) {
            case 0:
              text.insert(at, 1, letter);
              break;
            case 1:
              if (at < text.size()) text[at] = letter;
              break;
            default:
              if (at < text.size()) text.erase(at, 1);
          }
        }
        const bool expected = std::regex_match(text, regex);
        (expected ? fits : breaks) += 1;
        CHECK_MESSAGE(form->fits(text) == expected, name, ": \"", text, "\"");
      }
    CHECK(fits > 0);
    CHECK(breaks > 0);
  }
}

TEST_CASE("json words: times, dates, mail addresses and references at their edges") {
  struct Row {
    std::string_view form, text;
    bool fits;
  };
  constexpr Row rows[] = {
      {"date_time", "2026-11-27T14:30:00Z", true},
      {"date_time", "2026-11-27t14:30:00.123456789+08:00", true},
      {"date_time", "2026-11-27T14:30:00", false},
      {"date_time", "2026-11-27T14:30Z", false},
      {"date_time", "2026-11-27T24:00:00Z", false},
      {"date_time", "2026-11-27T14:30:00.Z", false},
      {"date_time", "2026-11-27T14:30:00+0800", false},
      {"date_time", "2016-12-31T23:59:60Z", true},
      {"date_time", "2017-01-01T07:59:60+08:00", true},
      {"date_time", "2016-12-31T22:59:60Z", false},
      {"date", "2000-02-29", true},
      {"date", "1900-02-29", false},
      {"date", "2026-13-01", false},
      {"date", "2026-1-1", false},
      {"email", "a@b", true},
      {"email", "名字@例子.example", true},
      {"email", "a@", false},
      {"email", "@b", false},
      {"email", "a b@c", false},
      {"email", "a..b@c", false},
      {"email", "\"a b\"@c", true},
      {"iri_reference", "", true},
      {"iri_reference", "../a?b#c", true},
      {"iri_reference", "https://例子.example/路", true},
      {"iri_reference", "https://[::1]:80/a", true},
      {"iri_reference", "a%2", false},
      {"iri_reference", "a#b#c", false},
      {"iri_reference", "a[b]", false},
      {"iri_reference", "1a:b", false},
      {"iri_reference", "a<b", false},
      {"uri", "https://a", true},
      {"uri", "a", false},
      {"uri", "a:", false},
  };
  for (const Row& row : rows) CHECK_MESSAGE(word_form(row.form)->fits(row.text) == row.fits, row.form, " ", row.text);
  CHECK(word_form("no such form") == nullptr);
}
