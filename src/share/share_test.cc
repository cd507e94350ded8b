#include <doctest/doctest.h>

#include "share/kinds.h"
#include "share/known.h"
#include "share/licence_terms.h"
#include "share/rules.h"
#include "share/spdx.h"
#include "sql/db.h"
#include "statement/statement.h"

using namespace hz;
using namespace hz::share;

namespace {
std::string digest(char c) { return std::string(64, c); }
Release good() {
  return {.sha256 = digest('a'), .name = "glyphs", .licence = "Apache-2.0", .size_bytes = 10, .control = Control::none};
}
std::string_view slug(const Release& r) {
  const auto checked = check(r);
  return checked ? "" : checked.error().reason->slug;
}
}  // namespace

TEST_CASE("licence: SPDX expressions are told from other texts") {
  for (const char* yes : {"MIT", "Apache-2.0", "MIT OR Apache-2.0", "(MIT AND BSD-3-Clause) OR GPL-2.0-or-later",
                          "GPL-2.0-only WITH Classpath-exception-2.0", "LicenseRef-Ours", "DocumentRef-x:LicenseRef-y",
                          "((MIT))", "unknown", "GPL-2.0+"})
    CHECK(is_licence(yes));
  for (const char* no : {"",
                         "MIT OR",
                         "OR MIT",
                         "MIT MIT",
                         "(MIT",
                         "MIT)",
                         "()",
                         "MIT AND OR BSD",
                         "WITH",
                         "MIT WITH",
                         "(MIT) WITH x",
                         "MIT/BSD",
                         "MIT;",
                         "all rights reserved",
                         "MIT OR unknown",
                         "LicenseRef-",
                         "DocumentRef-x:MIT",
                         "a:b",
                         "+",
                         "MIT++",
                         "MIT WITH x WITH y"})
    CHECK_FALSE(is_licence(no));
  CHECK(is_licence(std::string(32, '(') + "MIT" + std::string(32, ')')));
  CHECK_FALSE(is_licence(std::string(33, '(') + "MIT" + std::string(33, ')')));
  CHECK_FALSE(is_licence(std::string(501, 'a')));
}

TEST_CASE("licence: AND binds closer than OR, and an expression writes itself so that it reads the same") {
  const Spdx both = Spdx::parse("MIT OR GPL-2.0-only AND ISC").value();
  REQUIRE(both.kind == Spdx::Kind::any);
  CHECK(both.parts[1].kind == Spdx::Kind::all);
  for (const auto& [text, short_text] :
       std::initializer_list<std::pair<const char*, const char*>>{{"((MIT))", "MIT"},
                                                                  {"(MIT  AND ISC) OR 0BSD", "MIT AND ISC OR 0BSD"},
                                                                  {"(MIT OR ISC) AND (0BSD)", "(MIT OR ISC) AND 0BSD"},
                                                                  {"MIT OR (ISC OR 0BSD)", "MIT OR (ISC OR 0BSD)"},
                                                                  {"GPL-2.0+ WITH x", "GPL-2.0+ WITH x"}}) {
    CHECK(Spdx::parse(text)->format() == short_text);
    CHECK(Spdx::parse(short_text).value() == Spdx::parse(text).value());
  }
}

TEST_CASE("licence: what a table does not say is unknown, AND needs all parts, OR needs one") {
  CHECK(may_copy("mit") == Permission::yes);
  CHECK(may_copy("LicenseRef-Ours") == Permission::unknown);
  CHECK(may_copy("unknown") == Permission::unknown);
  CHECK(may_copy("CC-BY-NC-4.0") == Permission::no);
  CHECK(may_copy("CC-BY-ND-4.0") == Permission::yes);
  CHECK(may_derive("CC-BY-ND-4.0") == Permission::no);
  CHECK(may_copy("MIT AND LicenseRef-Ours") == Permission::unknown);
  CHECK(may_copy("LicenseRef-Ours AND CC-BY-NC-4.0") == Permission::no);
  CHECK(may_copy("MIT AND CC-BY-NC-4.0") == Permission::no);
  CHECK(may_copy("CC-BY-NC-4.0 OR MIT") == Permission::yes);
  CHECK(may_copy("CC-BY-NC-4.0 OR LicenseRef-Ours") == Permission::unknown);
  CHECK(may_copy("GPL-2.0-only WITH Classpath-exception-2.0") == Permission::yes);
  for (const LicenceTerms& row : licence_terms()) {
    CAPTURE(row.id);
    CHECK(Spdx::parse(row.id).has_value());
    CHECK((row.copies || !row.derived));
    CHECK_FALSE(row.source.empty());
  }
}

TEST_CASE("release: what has no digest, name, licence, media type or audience is refused") {
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
  r.audience = "friends";
  CHECK(slug(r) == "alliance.audience");
  for (const char* no : {"", "text", "/x", "text/", "text/x/y", "Text/x", "text/x; charset=utf-8"}) {
    r = good();
    r.media_type = no;
    CHECK(slug(r) == "share.media_type");
  }
}

TEST_CASE("release: parents are read from text, and odd ones are refused") {
  const auto parent = parse_parent("quantised_from:" + digest('b') + ":MIT OR ISC");
  REQUIRE(parent);
  CHECK(*parent == Parent{digest('b'), Relation::quantised_from, "MIT OR ISC"});
  CHECK(parse_parent("fine_tuned_from:" + digest('b'))->licence == "unknown");
  for (const std::string& no : {std::string(), digest('b'), "bought_from:" + digest('b'), std::string("merged_from:b"),
                                "merged_from:" + digest('b') + ":"})
    CHECK_FALSE(parse_parent(no));
  Release r = good();
  r.parents = {{digest('a'), Relation::merged_from, "MIT"}};
  CHECK(slug(r) == "share.parents");
  r.parents = {{digest('b'), Relation::merged_from, "MIT"}, {digest('b'), Relation::converted_from, "MIT"}};
  CHECK(slug(r) == "share.parents");
  r.parents = {{digest('b'), Relation::merged_from, "for free"}};
  CHECK(slug(r) == "share.licence");
  r.parents.assign(17, {digest('b'), Relation::merged_from, "MIT"});
  CHECK(slug(r) == "share.parents");
}

TEST_CASE("release: a statement of an older program reads, says its audience in today's words, and is unclassified") {
  const auto body = json::parse(R"({"audience":"alliance","licence":"MIT","name":"n","sha256":")" + digest('a') +
                                R"(","size_bytes":3})");
  const auto old = from_json<Release>(body.value());
  REQUIRE(old);
  CHECK(check(*old));
  CHECK(audience_of(*old)->format() == "members");
  CHECK(old->control == Control::unknown);
  Release everyone = *old;
  everyone.audience = "everyone";
  CHECK(audience_of(everyone)->format() == "public");
}

TEST_CASE("replay: the newest release of a digest stands, with its own parents") {
  auto db = sql::Db::open(":memory:", sql::Mode::scratch).value();
  REQUIRE(db.run(view_schema()));
  statement::Statement s;
  Release first = good();
  first.parents = {{digest('b'), Relation::merged_from, "MIT"}, {digest('c'), Relation::distilled_from, "ISC"}};
  s.body = to_json(first);
  REQUIRE(kinds()[0].replay(db, s));
  CHECK(KnownReleases::read(db)->all().front().release == first);
  Release second = good();
  second.licence = "MIT";
  second.audience = "public";
  second.parents = {{digest('c'), Relation::merged_from, "MIT"}};
  s.id[0] = 9;
  s.body = to_json(second);
  REQUIRE(kinds()[0].replay(db, s));
  CHECK(db.integer("SELECT count(*) FROM public_share_release").value() == 1);
  CHECK(db.text("SELECT licence || audience || statement FROM public_share_release").value() ==
        "MITpublic" + s.id_text());
  CHECK(KnownReleases::read(db)->all().front().release == second);
  second.licence = "";
  s.body = to_json(second);
  CHECK_FALSE(kinds()[0].replay(db, s));
}

TEST_CASE("replay: a gate decision is a row with its reasons") {
  auto db = sql::Db::open(":memory:", sql::Mode::scratch).value();
  REQUIRE(db.run(view_schema()));
  statement::Statement s;
  s.body = to_json(GateDecision{.sha256 = digest('a'),
                                .name = "n",
                                .licence = "MIT",
                                .audience = "members",
                                .allowed = false,
                                .reasons = {"share.gate_control: unknown"}});
  REQUIRE(kinds()[1].replay(db, s));
  CHECK(db.text("SELECT audience || allowed || reasons FROM public_share_gate_decision").value() ==
        "members0share.gate_control: unknown\n");
}
