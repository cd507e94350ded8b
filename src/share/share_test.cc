#include <doctest/doctest.h>

#include "share/kinds.h"
#include "share/rules.h"
#include "sql/db.h"
#include "statement/statement.h"

using namespace hz;
using namespace hz::share;

namespace {
Release good() { return {std::string(64, 'a'), "glyphs", "Apache-2.0", Audience::owner, 10}; }
std::string_view slug(const Release& r) {
  const auto checked = check(r);
  return checked ? "" : checked.error().reason->slug;
}
}  // namespace

TEST_CASE("licence: SPDX expressions are told from other texts") {
  for (const char* yes :
       {"MIT", "Apache-2.0", "MIT OR Apache-2.0", "(MIT AND BSD-3-Clause) OR GPL-2.0-or-later",
        "GPL-2.0-only WITH Classpath-exception-2.0", "LicenseRef-Ours", "((MIT))", "unknown", "GPL-2.0+"})
    CHECK(is_licence(yes));
  for (const char* no : {"", "MIT OR", "OR MIT", "MIT MIT", "(MIT", "MIT)", "()", "MIT AND OR BSD", "WITH", "MIT WITH",
                         "(MIT) WITH x", "MIT/BSD", "MIT;", "all rights reserved"})
    CHECK_FALSE(is_licence(no));
}

TEST_CASE("release: what has no digest, name or licence is refused, and unknown licences stay with the owner") {
  CHECK(check(good()));
  Release r = good();
  r.sha256 = "abc";
  CHECK(slug(r) == "share.digest");
  r = good();
  r.name = "a\nb";
  CHECK(slug(r) == "share.name");
  r = good();
  r.licence = "do what you like";
  CHECK(slug(r) == "share.licence");
  r = good();
  r.licence = "unknown";
  CHECK(slug(r).empty());
  r.audience = Audience::alliance;
  CHECK(slug(r) == "share.release_gate");
}

TEST_CASE("replay: the newest release of a digest stands") {
  auto db = sql::Db::open(":memory:", sql::Mode::scratch).value();
  REQUIRE(db.run(view_schema()));
  statement::Statement s;
  s.body = to_json(good());
  REQUIRE(kinds()[0].replay(db, s));
  Release second = good();
  second.licence = "MIT";
  second.audience = Audience::everyone;
  s.id[0] = 9;
  s.body = to_json(second);
  REQUIRE(kinds()[0].replay(db, s));
  CHECK(db.integer("SELECT count(*) FROM public_share_release").value() == 1);
  CHECK(db.text("SELECT licence || audience || statement FROM public_share_release").value() ==
        "MITeveryone" + s.id_text());
  second.licence = "";
  s.body = to_json(second);
  CHECK_FALSE(kinds()[0].replay(db, s));
}
