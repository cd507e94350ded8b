#include <doctest/doctest.h>

#include "supply/product_manifest.h"

using namespace hz;
using namespace hz::supply;

namespace {

std::string manifest(std::string_view requirement, std::string_view more = "") {
  return fmt::format(R"(
[product]
id = "glyphs"
name = "Glyph reader"
area = "vision"
summary = "Reads one glyph."
[model]
file = "../models/glyphs.onnx"
licence = "Apache-2.0"
[golden]
file = "../golden/glyphs.bin"
quality_min_milli = 950
[tolerance]
outage_max_s = 3600
quality_drop_max_milli = 10
[requirement]
{}
{}
)",
                     requirement, more);
}

std::string refusal(std::string_view text) {
  const auto r = parse_product_manifest(text);
  return r ? "accepted" : r.error().text();
}

}  // namespace

TEST_CASE("manifest: another member's site is named with the log of its member") {
  CHECK(refusal(manifest(R"(all = ["model", "site:a@hall.example/log"])")) == "accepted");
  for (const char* wrong : {"site:a@", "site:A@hall.example", "site:@hall.example"})
    CHECK(refusal(manifest(fmt::format(R"(all = ["model", "{}"])", wrong))).starts_with("supply.component"));
}

TEST_CASE("manifest: a nested requirement becomes gates with the product on top") {
  const auto m = parse_product_manifest(manifest(
      R"(all = ["model", { any = ["backend:ort", "backend:opencv"] }, { k = 2, of = ["site:a", "site:b", "site:c"] }])"));
  REQUIRE(m);
  CHECK(m->incumbent == "backend:ort");
  const Facts facts = lower_requirement(m->id, m->requirement, "model:00");
  REQUIRE(facts.nodes.size() == 9);
  CHECK(facts.nodes[0].node == "product:glyphs");
  CHECK(facts.nodes[1].node == "model:00");
  CHECK(facts.nodes[2].node == "gate:glyphs/2");
  CHECK(facts.nodes[2].op == "any");
  CHECK(facts.nodes[5].node == "gate:glyphs/3");
  CHECK(facts.nodes[5].op == "k_of_n");
  CHECK(facts.nodes[5].k == 2);
  CHECK(facts.edges.size() == 8);
  CHECK(facts.edges[2] == EdgeFact{"gate:glyphs/2", "backend:ort", "requirement 2.1 (line 17)"});
}

TEST_CASE("manifest: each wrong field is refused with its line") {
  CHECK(refusal(manifest(R"(all = ["model"], any = ["model"])")).starts_with("supply.toml: line 17"));
  CHECK(refusal(manifest("all = [\"model\"]\nany = [\"model\"]")).starts_with("supply.requirement: line 16"));
  CHECK(refusal(manifest("all = []")) == "supply.requirement: line 17: a formula needs a list with at least one part");
  CHECK(refusal(manifest("k = 3\nof = [\"model\", \"site:a\"]")) ==
        "supply.requirement: line 17: k should be an integer from 1 to 2");
  CHECK(refusal(manifest("all = [\"modell\"]")) == "supply.component: line 17: \"modell\" has no known namespace");
  CHECK(refusal(manifest("all = [\"backend:ORT\"]")).starts_with("supply.component: line 17"));
  CHECK(refusal(manifest("all = [\"model\"]\nsome = 1")) ==
        "supply.field: line 18: requirement some is not a known field");
  CHECK(refusal(manifest("all = [\"model\"]", "[[service]]\nhost = \"https://hub\"\nrole = \"hub\""))
            .starts_with("supply.field"));
  CHECK(refusal("[product]\nid = \"a\"\nname = 3\n")
            .starts_with("supply.field: line 3: [product] name should be a text"));
  CHECK(refusal("[product]\nid = \"../a\"\nname = \"a\"\narea = \"a\"\nsummary = \"a\"\n")
            .starts_with("supply.field: line 2"));
  CHECK(refusal("[product").starts_with("supply.toml: line 1"));
  CHECK(refusal("a = \"\xff\"").starts_with("base.utf8"));
  CHECK(refusal(std::string(1000, '[')).starts_with("supply.limit"));
  CHECK(refusal(std::string((1u << 20) + 1, '#')).starts_with("supply.limit"));
}

TEST_CASE("manifest: a requirement deeper than 16 levels is refused") {
  std::string formula = "\"model\"";
  for (int i = 0; i < 20; ++i) formula = "{ all = [" + formula + "] }";
  CHECK(refusal(manifest("all = [" + formula + "]")).starts_with("supply.limit: line 17"));
}

TEST_CASE("manifest: products that need each other in a circle are found with the chain") {
  std::vector<ProductManifest> products(3);
  const char* ids[] = {"a", "b", "c"};
  const char* needs[] = {"product:b", "product:c", "product:a"};
  for (std::size_t i = 0; i < 3; ++i) {
    products[i].id = ids[i];
    products[i].requirement.component = needs[i];
  }
  CHECK(find_product_cycle(products) == "product:a -> product:b -> product:c -> product:a");
  products[2].requirement.component = "model";
  CHECK(find_product_cycle(products).empty());
}
