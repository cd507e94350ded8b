// The release gate: every audience class, control class and licence rule with an allow and a deny.
#include <doctest/doctest.h>

#include <map>

#include "share/rules.h"

using namespace hz;
using namespace hz::share;

namespace {

constexpr std::string_view a = "a.example/log", b = "b.example/log", c = "c.example/log", gone = "gone.example/log";
constexpr std::int64_t now_ms = 1'798'675'200'000;  // 2026-12-31T00:00:00Z

// a, b and c are members; b and one that is gone are on every list.
alliance::MembershipFacts facts() {
  return {
      .is_member = [](std::string_view m) { return m == a || m == b || m == c; },
      .in_group = [](auto, std::string_view g, std::string_view m) { return g == "g" && (m == b || m == gone); },
      .in_clean_team = [](auto, std::string_view t, std::string_view m) { return t == "t" && (m == b || m == gone); }};
}
std::string digest(char ch) { return std::string(64, ch); }
Release release(std::string audience = "members") {
  return {.sha256 = digest('a'),
          .name = "glyphs",
          .licence = "MIT",
          .audience = std::move(audience),
          .size_bytes = 10,
          .control = Control::none};
}
using Known = std::map<std::string, std::vector<Release>, std::less<>>;
Lineage trace_in(const Release& r, const Known& known) {
  return trace(r, [&](std::string_view sha256) {
    std::vector<const Release*> out;
    if (const auto at = known.find(sha256); at != known.end())
      for (const Release& one : at->second) out.push_back(&one);
    return out;
  });
}
std::string ask(const Release& r, std::optional<std::string_view> reader = b, const Known& known = {},
                std::int64_t at_ms = now_ms) {
  const Verdict verdict = gate({.release = r,
                                .releaser = a,
                                .lineage = trace_in(r, known),
                                .reader = reader,
                                .facts = facts(),
                                .now_ms = at_ms});
  std::string out;
  for (const Error& e : verdict.denials) out += (out.empty() ? "" : " ") + std::string(e.reason->slug.substr(6));
  return out.empty() ? "allow" : out;
}
Release child(std::vector<Parent> parents, char sha = 'a') {
  Release out = release();
  out.sha256 = digest(sha);
  out.parents = std::move(parents);
  return out;
}

}  // namespace

TEST_CASE("gate: each audience class lets its readers through, nobody else, and nobody who is gone") {
  struct Case {
    const char* audience;
    bool b_may, c_may;
  };
  for (const auto& [audience, b_may, c_may] :
       {Case{"public", true, true}, Case{"members", true, true}, Case{"group:g", true, false},
        Case{"clean-team:t", true, false}, Case{"bilateral:a.example/log,b.example/log", true, false},
        Case{"sealed-until:2026-12-31T00:00:00Z", true, true}, Case{"owner", false, false},
        Case{"alliance", true, true}, Case{"everyone", true, true}}) {
    CAPTURE(audience);
    CHECK((ask(release(audience), b) == "allow") == b_may);
    CHECK((ask(release(audience), c) == "allow") == c_may);
    CHECK(ask(release(audience), a) == "allow");
    const bool open = std::string_view(audience) == "public" || std::string_view(audience) == "everyone";
    CHECK((ask(release(audience), gone) == "allow") == open);
  }
  CHECK(ask(release("sealed-until:2026-12-31T00:00:00Z"), b, {}, now_ms - 1) == "gate_audience");
  CHECK(ask(release("group:other"), b) == "gate_audience");
}

TEST_CASE("gate: at release time an audience that has no reader is refused") {
  CHECK(ask(release("bilateral:b.example/log,c.example/log"), std::nullopt) == "gate_audience");
  CHECK(ask(release("bilateral:a.example/log,c.example/log"), std::nullopt) == "allow");
}

TEST_CASE("gate: bytes leave under a licence that permits it, or with the releaser's word that it holds the rights") {
  for (const auto& [licence, verdict] :
       std::initializer_list<std::pair<const char*, const char*>>{{"MIT", "allow"},
                                                                  {"unknown", "gate_licence"},
                                                                  {"LicenseRef-Ours", "gate_licence"},
                                                                  {"CC-BY-NC-4.0", "gate_licence"},
                                                                  {"CC-BY-NC-4.0 OR MIT", "allow"}}) {
    Release r = release();
    r.licence = licence;
    CHECK(ask(r, std::nullopt) == verdict);
    CHECK(ask(r, b) == verdict);
    r.rights_held = true;
    CHECK(ask(r, std::nullopt) == "allow");
    CHECK(ask(r, b) == "allow");
    r.rights_held = false;
    r.audience = "owner";
    CHECK(ask(r, std::nullopt) == "allow");
    CHECK(ask(r, a) == "allow");
  }
}

TEST_CASE(
    "gate: unclassified bytes leave for nobody; internal ones are not public; controlled ones need named readers") {
  const auto with = [](Control control, const char* audience) {
    Release r = release(audience);
    r.control = control;
    return r;
  };
  for (const char* audience : {"public", "members", "group:g", "bilateral:a.example/log,b.example/log"}) {
    CHECK(ask(with(Control::unknown, audience)) == "gate_control");
    CHECK(ask(with(Control::none, audience)) == "allow");
  }
  CHECK(ask(with(Control::internal, "public")) == "gate_control");
  CHECK(ask(with(Control::internal, "members")) == "allow");
  for (const char* no : {"public", "members", "sealed-until:2026-12-31T00:00:00Z"})
    CHECK(ask(with(Control::export_controlled, no)) == "gate_control");
  for (const char* yes : {"group:g", "clean-team:t", "bilateral:a.example/log,b.example/log"})
    CHECK(ask(with(Control::export_controlled, yes)) == "allow");
  Release r = with(Control::unknown, "members");
  r.rights_held = true;
  CHECK(ask(r) == "gate_control");
}

TEST_CASE("gate: every reason is named, not the first alone") {
  Release r = release("owner");
  r.audience = "group:g";
  r.licence = "unknown";
  r.control = Control::unknown;
  r.parents = {{digest('b'), Relation::fine_tuned_from}};
  CHECK(ask(r, c) == "gate_audience gate_licence gate_lineage gate_control");
}

TEST_CASE("gate: a parent must permit what was made from it") {
  CHECK(ask(child({{digest('b'), Relation::fine_tuned_from, "Apache-2.0"}})) == "allow");
  CHECK(ask(child({{digest('b'), Relation::fine_tuned_from, "CC-BY-ND-4.0"}})) == "gate_lineage");
  CHECK(ask(child({{digest('b'), Relation::fine_tuned_from}})) == "gate_lineage");
  Release r = child({{digest('b'), Relation::fine_tuned_from}});
  r.rights_held = true;
  CHECK(ask(r) == "allow");
  // What a release of the parent says counts as well, and the stricter word wins.
  Release parent = release();
  parent.sha256 = digest('b');
  CHECK(ask(child({{digest('b'), Relation::fine_tuned_from}}), b, {{digest('b'), {parent}}}) == "allow");
  parent.licence = "CC-BY-NC-4.0";
  CHECK(ask(child({{digest('b'), Relation::fine_tuned_from, "MIT"}}), b, {{digest('b'), {parent}}}) == "gate_lineage");
}

TEST_CASE("gate: grandparents count, and a controlled ancestor binds what was made from it") {
  const Release middle = child({{digest('c'), Relation::merged_from, "CC-BY-NC-4.0"}}, 'b');
  CHECK(ask(child({{digest('b'), Relation::quantised_from}}), b, {{digest('b'), {middle}}}) == "gate_lineage");
  Release controlled = release("owner");
  controlled.sha256 = digest('c');
  controlled.control = Control::export_controlled;
  const Release clean = child({{digest('c'), Relation::merged_from, "MIT"}}, 'b');
  const Known known{{digest('b'), {clean}}, {digest('c'), {controlled}}};
  Release r = child({{digest('b'), Relation::quantised_from}});
  CHECK(ask(r, b, known) == "gate_control");
  r.rights_held = true;
  CHECK(ask(r, b, known) == "gate_control");
  r.audience = "bilateral:a.example/log,b.example/log";
  CHECK(ask(r, b, known) == "allow");
}

TEST_CASE("lineage: circles are found wherever they are, end the walk, and no rights lift them") {
  const Parent to_a{digest('a'), Relation::merged_from, "MIT"}, to_b{digest('b'), Relation::merged_from, "MIT"},
      to_c{digest('c'), Relation::merged_from, "MIT"};
  const Known through{{digest('b'), {child({to_a}, 'b')}}};
  CHECK(trace_in(child({to_b}), through).circle);
  const Known beside{{digest('b'), {child({to_c}, 'b')}}, {digest('c'), {child({to_b}, 'c')}}};
  CHECK(trace_in(child({to_b}), beside).circle);
  Release r = child({to_b});
  r.rights_held = true;
  CHECK(ask(r, b, beside) == "gate_lineage");
  const Known diamond{{digest('b'), {child({{digest('d'), Relation::merged_from, "MIT"}}, 'b')}},
                      {digest('c'), {child({{digest('d'), Relation::merged_from, "MIT"}}, 'c')}}};
  CHECK_FALSE(trace_in(child({to_b, to_c}), diamond).circle);
  CHECK(trace_in(child({to_b, to_c}), diamond).ancestors.size() == 3);
}

TEST_CASE("lineage: a chain without end is cut, and cut lineage is refused") {
  Known known;
  const auto name = [](std::size_t n) {
    std::string out = fmt::format("{:064x}", n + 16);
    return out;
  };
  for (std::size_t i = 0; i < ancestors_max + 10; ++i) {
    Release r = child({{name(i + 1), Relation::converted_from, "MIT"}});
    r.sha256 = name(i);
    known[name(i)] = {r};
  }
  Release r = child({{name(0), Relation::converted_from, "MIT"}});
  const Lineage lineage = trace_in(r, known);
  CHECK(lineage.cut);
  CHECK(lineage.ancestors.size() == ancestors_max);
  r.rights_held = true;
  CHECK(ask(r, b, known) == "gate_lineage");
}
