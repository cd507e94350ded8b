#include "drill/loss.h"

#include <doctest/doctest.h>

#include "drill/test_world.h"

using namespace hz;
using namespace hz::drill;

namespace {

Result<Loss> lose(const World& world, std::vector<std::string> texts, std::int64_t control_bp = control_bp_default) {
  static std::vector<std::unique_ptr<Stack>> keep;  // node ids are read back through the last stack
  keep.push_back(std::make_unique<Stack>(Stack::build(world).value()));
  std::vector<Target> targets;
  for (const std::string& text : texts) targets.push_back(HZ_TRY(parse_target(text)));
  return resolve_loss(*keep.back(), targets, control_bp);
}

std::set<std::string> lost_ids(const World& world, std::vector<std::string> texts) {
  const Stack stack = Stack::build(world).value();
  std::vector<Target> targets;
  for (const std::string& text : texts) targets.push_back(parse_target(text).value());
  std::set<std::string> out;
  const Loss loss = resolve_loss(stack, targets, control_bp_default).value();
  for (const LostNode& n : loss.nodes) out.emplace(stack.id(n.node));
  return out;
}

}  // namespace

TEST_CASE("targets: every form parses, and bad forms say what is wrong") {
  CHECK(parse_target("entity:microsoft")->kind == TargetKind::entity);
  CHECK(parse_target("jurisdiction:US")->pattern == "US");
  CHECK(parse_target("owner:x")->kind == TargetKind::owner);
  CHECK(parse_target("component:npm:onnxruntime-node")->pattern == "npm:onnxruntime-node");
  CHECK(parse_target("service:huggingface.co")->pattern == "service:huggingface.co");
  CHECK(parse_target("npm:@scope/x@1.2")->kind == TargetKind::node);
  for (const char* bad : {"", ":", "entity:", ":x", "entity:a\nb"})
    CHECK(parse_target(bad).error().reason->slug == "drill.target");
  CHECK(!parse_target(std::string(600, 'a')));
  CHECK(!parse_target("entity:\xff"));
}

TEST_CASE("targets: globs match runs and single characters, in both cases") {
  CHECK(glob_match("npm:*", "npm:x@1"));
  CHECK(glob_match("*onnx*", "npm:ONNXruntime"));
  CHECK(glob_match("a?c", "abc"));
  CHECK(!glob_match("a?c", "ac"));
  CHECK(!glob_match("", "x"));
  CHECK(glob_match("**a**b**", "xaxxb"));
  CHECK(!glob_match(std::string(200, '*') + "b", std::string(400, 'a')));
}

TEST_CASE("targets: a version is what follows the last @, and a scope is none") {
  CHECK(without_version("npm:@scope/x@1.2") == "npm:@scope/x");
  CHECK(without_version("npm:@scope/x") == "npm:@scope/x");
  CHECK(without_version("deb:opencv@4.6.0+dfsg-12") == "deb:opencv");
  CHECK(without_version("service:a") == "service:a");
}

TEST_CASE("loss: an entity takes its components and what it owns") {
  WorldBuilder b = demo_world();
  b.node("npm:electron@1", "package", "github");
  const auto ids = lost_ids(b.finish(), {"entity:microsoft"});
  CHECK(ids.contains("npm:onnxruntime-node@1.16.3"));
  CHECK(ids.contains("npm:electron@1"));
  CHECK(!ids.contains("deb:opencv@4.6.0+dfsg-12"));
}

TEST_CASE("loss: a reference without a version takes every version, a component without a namespace every namespace") {
  WorldBuilder b = demo_world();
  b.node("npm:onnxruntime-node@1.20.0", "package", "microsoft");
  const World w = b.finish();
  CHECK(lost_ids(w, {"npm:onnxruntime-node"}).size() == 2);
  CHECK(lost_ids(w, {"component:npm:onnxruntime-node@1.20.0"}).size() == 1);
  CHECK(lost_ids(w, {"component:onnxruntime-node"}).size() == 2);
  CHECK(lost_ids(w, {"component:*protobuf*"}).size() == 1);
}

TEST_CASE("loss: control passes on only above the threshold, and lost owners add up") {
  WorldBuilder b;
  b.entity("a", "A", "XX").entity("b", "B", "YY").entity("c", "C", "ZZ").entity("d", "D", "ZZ");
  b.owns("a", "c", 3000).owns("b", "c", 2500).owns("c", "d", 5000);
  const World w = b.finish();
  const auto names = [&](std::vector<std::string> targets, std::int64_t bp = control_bp_default) {
    std::vector<std::string> out;
    const Loss loss = lose(w, targets, bp).value();
    for (const LostEntity& e : loss.entities) out.push_back(e.entity);
    return out;
  };
  CHECK(names({"entity:a"}) == std::vector<std::string>{"entity:a"});
  CHECK(names({"entity:a", "entity:b"}) == std::vector<std::string>{"entity:a", "entity:b", "entity:c"});
  CHECK(names({"entity:c"}) == std::vector<std::string>{"entity:c"});
  CHECK(names({"entity:c"}, 4999) == std::vector<std::string>{"entity:c", "entity:d"});
  CHECK(names({"entity:a", "entity:b"}, 4999).size() == 4);
  const Loss both = lose(w, {"entity:a", "entity:b"}).value();
  CHECK(both.entity("entity:c")->because == "55.00 % held together by entity:a, entity:b");
  // Two lists that state the same holding do not add up.
  b.owns("a", "c", 3000);
  CHECK(lose(b.finish(), {"entity:a"})->entities.size() == 1);
  CHECK(lose(w, {"owner:a"})->entities.size() == 1);
  CHECK(lose(w, {"owner:d"}).error().reason->slug == "drill.unknown_target");
}

TEST_CASE("loss: a jurisdiction takes its entities, what they control, and sites that stand there") {
  WorldBuilder b = demo_world();
  b.site("paris-of-us", "lyon-compute", "US", "backend:opencv", 1, 1, 1, 1);
  const auto ids = lost_ids(b.finish(), {"jurisdiction:us"});
  CHECK(ids.contains("npm:onnxruntime-node@1.16.3"));
  CHECK(ids.contains("service:huggingface.co"));
  CHECK(ids.contains("site:paris-of-us"));
  CHECK(!ids.contains("site:lyon"));
  CHECK(!ids.contains("site:hefei"));
}

TEST_CASE("loss: unknown targets name what was probably meant") {
  const World w = demo_world().finish();
  const auto detail = [&](const char* target) {
    const auto r = lose(w, {target});
    REQUIRE(!r);
    CHECK(r.error().reason->slug == "drill.unknown_target");
    return r.error().detail;
  };
  CHECK(detail("entity:microsft").find("entity:microsoft") != std::string::npos);
  CHECK(detail("microsoft").find("entity:microsoft") != std::string::npos);
  CHECK(detail("npm:onnxruntime-nod").find("npm:onnxruntime-node@1.16.3") != std::string::npos);
  CHECK(detail("jurisdiction:UX").find("jurisdiction:US") != std::string::npos);
  CHECK(lose(w, {}).error().reason->slug == "drill.no_target");
  CHECK(lose(w, {"entity:microsoft"}, 10000).error().reason->slug == "drill.control_bp");
}
