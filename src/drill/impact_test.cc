#include "drill/impact.h"

#include <doctest/doctest.h>

#include "drill/rehearsal.h"
#include "drill/test_world.h"

using namespace hz;
using namespace hz::drill;

namespace {

Impact impact_of(const World& world, std::vector<std::string> lose) {
  return Rehearsal::of(world, lose, control_bp_default).value()->impact().value();
}
const ProductImpact& of(const Impact& impact, std::string_view product) {
  for (const ProductImpact& p : impact.products)
    if (p.product == product) return p;
  FAIL("no such product");
  return impact.products.front();
}

}  // namespace

TEST_CASE("impact: products that need a lost runtime stop, and the chain names evidence down to the entity") {
  const Impact out = impact_of(demo_world().finish(), {"entity:microsoft"});
  CHECK(out.stopped == 3);
  CHECK(out.running == 1);
  const ProductImpact& glyph = of(out, "glyph");
  CHECK(glyph.before == "running");
  CHECK(glyph.after == "stopped");
  REQUIRE(glyph.chain.size() == 4);
  CHECK(glyph.chain[0].node == "product:glyph");
  CHECK(glyph.chain[1].node == "backend:ort");
  CHECK(glyph.chain[1].file == "products/glyph.toml");
  CHECK(glyph.chain[2].node == "npm:onnxruntime-node@1.16.3");
  CHECK(glyph.chain[2].statement == WorldBuilder::statement("edgebackend:ortnpm:onnxruntime-node@1.16.3"));
  CHECK(glyph.chain[3].node == "entity:microsoft");
  CHECK(glyph.chain[3].link == "supplied by");
  CHECK(of(out, "arm").chain.empty());
}

TEST_CASE("impact: an owned entity is lost with its owner, and the chain says why") {
  WorldBuilder b = demo_world();
  b.node("npm:electron@1", "package", "github").needs("backend:opencv", "npm:electron@1");
  const Impact out = impact_of(b.finish(), {"entity:microsoft"});
  const ProductImpact& arm = of(out, "arm");
  CHECK(arm.after == "stopped");
  CHECK(arm.chain.back().node == "100.00 % held by entity:microsoft");
}

TEST_CASE("impact: an alternative counts only when it is proven on the product's own model") {
  // keyword: any of {ort, opencv, refrt}; opencv failed on it, refrt is proven.
  WorldBuilder b = demo_world();
  std::erase_if(b.world.edges, [](const Edge& e) { return e.node == "product:keyword" && e.input == "backend:ort"; });
  b.node("gate:keyword/runtime", "gate", "", "any").needs("product:keyword", "gate:keyword/runtime");
  b.needs("gate:keyword/runtime", "backend:ort").needs("gate:keyword/runtime", "backend:opencv");
  CHECK(of(impact_of(b.finish(), {"entity:microsoft"}), "keyword").after == "stopped");
  b.needs("gate:keyword/runtime", "backend:refrt");
  const Impact out = impact_of(b.finish(), {"entity:microsoft"});
  const ProductImpact& keyword = of(out, "keyword");
  CHECK(keyword.before == "running");
  CHECK(keyword.after == "degraded");
  REQUIRE(!keyword.chain.empty());
  CHECK(keyword.chain.back().node == "entity:microsoft");
  CHECK(std::any_of(out.notes.begin(), out.notes.end(),
                    [](const std::string& n) { return n.find("backend:opencv") != std::string::npos; }));
  // Alone, neither microsoft nor the alliance stops it; together they do. One entity below both does it alone.
  std::vector<LossSet> sets = keyword.losses.smallest;
  CHECK(std::find(sets.begin(), sets.end(), LossSet{{"entity:fsf"}}) != sets.end());
  CHECK(std::find(sets.begin(), sets.end(), LossSet{{"entity:microsoft"}}) == sets.end());
}

TEST_CASE("impact: the smallest losses are exact, and an owner counts as a way to lose what it owns") {
  WorldBuilder b = demo_world();
  b.entity("fund", "A fund", "unknown").owns("fund", "opencv", 6000);
  const Impact out = impact_of(b.finish(), {"service:huggingface.co"});
  const ProductImpact& arm = of(out, "arm");
  CHECK(arm.losses.complete == "all");
  // alliance (its model), fsf, fund, google, intel, opencv
  CHECK(arm.losses.total == 6);
  CHECK(arm.losses.single == 6);
  CHECK(of(out, "intent").after == "stopped");
  CHECK(of(out, "intent").chain.size() == 3);
}

TEST_CASE("impact: unknown suppliers are counted, and the worst case loses them all") {
  const Impact out = impact_of(demo_world().finish(), {"entity:microsoft"});
  const ProductImpact& arm = of(out, "arm");
  CHECK(arm.unknown_components == 2);
  CHECK(arm.after == "running");
  CHECK(arm.worst_case == "stopped");
  CHECK(of(out, "glyph").unknown_components == 0);
}

TEST_CASE("impact: packages that need each other are reported and do not stop anything") {
  const Impact out = impact_of(demo_world().finish(), {"service:huggingface.co"});
  REQUIRE(out.findings.size() == 1);
  CHECK(out.findings[0].reason == "drill.cycle");
  CHECK(out.findings[0].detail.find("deb:glibc@2.36-9") != std::string::npos);
  CHECK(of(out, "glyph").after == "running");
}

TEST_CASE("impact: without products the answer is an error, not silence") {
  WorldBuilder b;
  b.entity("a", "A", "XX");
  const auto r = Rehearsal::of(b.finish(), {"entity:a"}, control_bp_default).value()->impact();
  REQUIRE(!r);
  CHECK(r.error().reason->slug == "drill.no_product");
}

TEST_CASE("impact: renaming ids changes nothing but the names") {
  const Impact before = impact_of(demo_world().finish(), {"entity:microsoft"});
  World renamed = demo_world().finish();
  const auto rename = [](std::string& id) {
    if (id.starts_with("deb:") || id.starts_with("npm:"))
      id = "npm:zz-" + hex(crypto::sha256(as_bytes(id))).substr(0, 9);
  };
  for (Node& n : renamed.nodes) rename(n.id);
  for (Edge& e : renamed.edges) {
    rename(e.node);
    rename(e.input);
  }
  for (Unknown& u : renamed.unknowns) rename(u.node);
  std::sort(renamed.edges.begin(), renamed.edges.end(),
            [](const Edge& a, const Edge& b) { return std::pair(a.node, a.input) < std::pair(b.node, b.input); });
  const Impact after = impact_of(renamed, {"entity:microsoft"});
  for (std::size_t i = 0; i < before.products.size(); ++i) {
    CHECK(before.products[i].after == after.products[i].after);
    CHECK(before.products[i].worst_case == after.products[i].worst_case);
    CHECK(before.products[i].losses.total == after.products[i].losses.total);
    CHECK(before.products[i].chain.size() == after.products[i].chain.size());
  }
}
