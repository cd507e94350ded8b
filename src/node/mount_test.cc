#include "node/mount.h"

#include <doctest/doctest.h>

#include <set>

#include "node/self.h"

using namespace hz;

TEST_CASE("ops: every row is complete, unique and consistent") {
  std::set<std::string_view> ids, routes, verbs, slugs, kinds;
  for (const Reason* r : node::reasons()) slugs.insert(r->slug);
  for (const auto& k : node::mounted().kinds) kinds.insert(k.slug);
  for (const api::Op* op : node::ops()) {
    CAPTURE(op->id);
    CHECK(ids.insert(op->id).second);
    if (!op->http.empty()) CHECK(routes.insert(op->http).second);
    CHECK(verbs.insert(op->cli).second);
    CHECK(op->id.find('.') != std::string_view::npos);
    CHECK_FALSE(op->doc.empty());
    CHECK(op->doc.ends_with('.'));
    CHECK(op->example.starts_with("hezong "));
    CHECK(op->emits.empty() == (op->may != api::May::author));
    for (auto slug : op->fails) {
      CAPTURE(slug);
      CHECK(slugs.contains(slug));
    }
    for (auto kind : op->emits) {
      CAPTURE(kind);
      CHECK((kind == api::any_kind || kinds.contains(kind)));
    }
    // Every name in the CLI pattern and in the route is a field.
    for (const std::string_view pattern : {op->cli, op->http}) {
      for (std::size_t at = pattern.find_first_of("<[{"); at != std::string_view::npos;
           at = pattern.find_first_of("<[{", at + 1)) {
        auto name = pattern.substr(at + 1, pattern.find_first_of(">]}.", at) - at - 1);
        CAPTURE(name);
        bool known = false;
        for (const auto& f : op->fields) known = known || f.name == name;
        CHECK(known);
      }
    }
  }
}

TEST_CASE("reasons: slugs are unique, lower case, and every row says what to do next") {
  std::set<std::string_view> seen;
  for (const Reason* r : node::reasons()) {
    CAPTURE(r->slug);
    CHECK(seen.insert(r->slug).second);
    CHECK(r->slug.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._") == std::string_view::npos);
    CHECK(r->what.ends_with('.'));
    CHECK(r->next.size() > 10);
    CHECK(r->next.ends_with('.'));
  }
}

TEST_CASE("kinds: numbers and slugs are unique and the number's area fits the slug") {
  const std::string_view areas[] = {"", "alliance", "share", "pool", "supply", "standards", "talent", "drill"};
  std::set<int> numbers;
  std::set<std::string_view> slugs;
  for (const auto& k : node::mounted().kinds) {
    CAPTURE(k.slug);
    CHECK(numbers.insert(k.number).second);
    CHECK(slugs.insert(k.slug).second);
    CHECK(k.slug.substr(0, k.slug.find('.')) == areas[k.number >> 8]);
    CHECK(k.doc.ends_with('.'));
  }
}

TEST_CASE("documents: every document names every row") {
  const std::string cli = node::cli_reference(), man = node::man_page(), reasons = node::reason_reference();
  for (const api::Op* op : node::ops()) {
    CHECK(cli.find(std::string(op->doc)) != std::string::npos);
    CHECK(json::parse(node::openapi_json())->find("paths") != nullptr);
  }
  for (const Reason* r : node::reasons()) CHECK(reasons.find(std::string(r->slug)) != std::string::npos);
  CHECK(man.starts_with(".TH HEZONG 1"));
}

namespace {

// The smallest input a schema allows: texts "x", numbers 1.
json::Value smallest(const json::Value& schema) {
  const std::string_view type = schema.text("type");
  if (const json::Value* names = schema.find("enum")) return names->array()->front();
  if (type == "boolean") return json::Value(false);
  if (type == "integer") return json::Value(1);
  if (type == "array") return json::Value(json::Array{});
  if (type != "object") return json::Value("x");
  json::Value out(json::Object{});
  if (const json::Value* required = schema.find("required"))
    for (const json::Value& name : *required->array())
      out.set(*name.string(), smallest(*schema.find("properties")->find(*name.string())));
  return out;
}

}  // namespace

TEST_CASE("permissions: every operation that needs a member is denied without one") {
  const TempDir empty;
  for (const api::Op* op : node::ops()) {
    if (op->may == api::May::anyone) continue;
    CAPTURE(op->id);
    api::Ctx ctx{.home = empty.path() / "none",
                 .mounted = node::mounted(),
                 .seams = {&system_clock(), &system_rng(), &silent_progress()}};
    const auto answer = op->call(ctx, smallest(op->in_schema()), {});
    REQUIRE_FALSE(answer);
    // Operations may look at their input first; then they refuse that, and still write nothing.
    const bool refused = answer.error().reason->slug == "alliance.no_member" ||
                         answer.error().reason->code == Code::invalid || answer.error().reason->code == Code::usage ||
                         answer.error().reason->slug == "base.read";
    CAPTURE(answer.error().text());
    CHECK(refused);
    CHECK_FALSE(fs::exists(empty.path() / "none"));
  }
}
