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
    CHECK(routes.insert(op->http).second);
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
      CHECK(kinds.contains(kind));
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
