#include <doctest/doctest.h>

#include <cstdlib>

#include "base/fs.h"
#include "supply/cyclonedx.h"
#include "supply/json_pull.h"
#include "supply/reasons.h"

using namespace hz;
using namespace hz::supply;

namespace {

std::string refused(std::string_view text) {
  const auto r = parse_cyclonedx(text);
  return r ? "accepted" : r.error().text();
}

constexpr std::string_view bom = R"({
  "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
  "metadata": {"component": {"bom-ref": "root", "type": "application", "name": "app", "version": "1"}},
  "components": [
    {"bom-ref": "a", "type": "library", "group": "org.acme", "name": "a", "version": "1.0", "purl": "pkg:maven/org.acme/a@1.0",
     "licenses": [{"license": {"id": "MIT"}}], "hashes": [{"alg": "MD5", "content": "0123456789abcdef0123456789ABCDEF"}]},
    {"bom-ref": "b", "type": "device", "name": "board", "supplier": {"name": "B GmbH", "url": ["https://b.example"]},
     "components": [{"bom-ref": "c", "type": "firmware", "name": "fw", "publisher": "F"}]},
    {"bom-ref": "m", "type": "machine-learning-model", "name": "caf\u00e9 1"}],
  "services": [{"bom-ref": "s", "name": "api", "provider": {"name": "P"}, "endpoints": ["https://api.example/v1"]}],
  "dependencies": [{"ref": "root", "dependsOn": ["a", "b", "s"]}, {"ref": "a", "dependsOn": ["nowhere"]}],
  "compositions": [{"aggregate": "incomplete", "assemblies": ["b"]}, {"aggregate": "complete", "assemblies": ["a"]}]
})";

}  // namespace

TEST_CASE("cyclonedx: components, nesting, needs, services and open parts are read") {
  const auto r = parse_cyclonedx(bom);
  REQUIRE_MESSAGE(r, r.error().text());
  std::vector<std::string> nodes;
  for (const NodeFact& node : r->nodes) nodes.push_back(node.node + " " + node.type);
  CHECK(nodes == std::vector<std::string>{"bom:app@1 package", "pkg:maven/org.acme/a@1.0 package", "bom:fw driver",
                                          "bom:board board", "bom:caf%C3%A9%201 model", "service:api.example service"});
  CHECK(r->edges == std::vector<EdgeFact>{{"bom:board", "bom:fw", "components (assembly)"},
                                          {"bom:app@1", "pkg:maven/org.acme/a@1.0", "dependencies"},
                                          {"bom:app@1", "bom:board", "dependencies"},
                                          {"bom:app@1", "service:api.example", "dependencies"}});
  CHECK(r->unknowns == std::vector<UnknownFact>{{"pkg:maven/org.acme/a@1.0", "dependency",
                                                 "the BOM names a part \"nowhere\" it does not list"},
                                                {"bom:board", "completeness", "the BOM calls its parts incomplete"}});
  CHECK(r->nodes[1].notes == std::vector<Note>{{"supplier", "org.acme", "inferred"}, {"licence", "MIT", {}}});
  CHECK(r->nodes[3].notes == std::vector<Note>{{"supplier", "B GmbH", "declared"}});
  CHECK(r->nodes[4].name == "café 1");
}

TEST_CASE("cyclonedx: what breaks the schema is refused with its JSON path") {
  const auto with = [](std::string_view more, std::string_view version = "1.6") {
    return refused(fmt::format(R"({{"bomFormat":"CycloneDX","specVersion":"{}","version":1,{}}})", version, more));
  };
  CHECK(with(R"("components":[])") == "accepted");
  CHECK(with(R"("components":[{"type":"library"}])") == "supply.bom: $.components[0] has no name");
  CHECK(with(R"("components":[{"name":"a"}])") == "supply.bom: $.components[0] has no type");
  CHECK(with(R"("components":[{"type":"thing","name":"a"}])") ==
        "supply.bom: $.components[0].type should be application or container or cryptographic-asset or data or device "
        "or device-driver "
        "or file or firmware or framework or library or machine-learning-model or operating-system or platform");
  CHECK(with(R"("components":[{"type":"library","name":3}])") == "supply.bom: $.components[0].name should be a text");
  CHECK(with(R"("components":[{"type":"library","name":"a","colour":"red"}])") ==
        "supply.bom: $.components[0].colour is not a member the schema knows here");
  CHECK(with(R"("components":[{"type":"library","name":"a"}])", "1.3") == "supply.bom: $.components[0] has no version");
  CHECK(
      with(R"("components":[{"type":"library","name":"a","bom-ref":"x"},{"type":"library","name":"b","bom-ref":"x"}])")
          .find("has a bom-ref that appears twice") != std::string::npos);
  const auto part = [&](std::string_view more) {
    return with(fmt::format(R"("components":[{{"type":"library","name":"a",{}}}])", more));
  };
  CHECK(part(R"("scope":"some")") == "supply.bom: $.components[0].scope should be excluded or optional or required");
  CHECK(part(R"("hashes":[{"alg":"MD5","content":"xy"}])") ==
        "supply.bom: $.components[0].hashes[0].content should be 32, 40, 64, 96 or 128 hex digits");
  CHECK(part(R"("hashes":[{"alg":"MD6","content":"xy"}])") ==
        "supply.bom: $.components[0].hashes[0].alg should be BLAKE2b-256 or BLAKE2b-384 or BLAKE2b-512 or BLAKE3 or "
        "MD5 or SHA-1 or "
        "SHA-256 or SHA-384 or SHA-512 or SHA3-256 or SHA3-384 or SHA3-512");
  CHECK(part(R"("licenses":[{"license":{}}])") ==
        "supply.bom: $.components[0].licenses[0].license should have exactly one of id or name");
  CHECK(part(R"("licenses":[{"license":{"id":"MIT"},"expression":"MIT"}])") ==
        "supply.bom: $.components[0].licenses[0].expression is not a member the schema knows here");
  CHECK(with(R"("extra":1)") == "supply.bom: $.extra is not a member the schema knows here");
  CHECK(with(R"("serialNumber":"urn:uuid:1")") ==
        "supply.bom: $.serialNumber should be urn:uuid: and a UUID in lower case");
  CHECK(with(R"("dependencies":[{"dependsOn":[]}])") == "supply.bom: $.dependencies[0] has no ref");
  CHECK(with(R"("compositions":[{"aggregate":"some"}])") ==
        "supply.bom: $.compositions[0].aggregate should be complete or incomplete or incomplete_first_party_only or "
        "incomplete_first_party_opensource_only or incomplete_first_party_proprietary_only or "
        "incomplete_third_party_only "
        "or incomplete_third_party_opensource_only or incomplete_third_party_proprietary_only or not_specified or "
        "unknown");
  CHECK(with(R"("components":[])", "1.8") == "supply.bom: $.specVersion should be 1.2 to 1.7, not \"1.8\"");
  CHECK(refused(R"({"specVersion":"1.6"})") == "supply.bom: $.bomFormat should be \"CycloneDX\"");
  CHECK(refused(R"({"bomFormat":"CycloneDX","bomFormat":"CycloneDX"})").starts_with("base.json_syntax: line 1 column"));
  CHECK(refused("{\"bomFormat\":\"\xff\"}").starts_with("base.utf8"));
}

TEST_CASE("cyclonedx: every truncation of a BOM is refused") {
  for (std::size_t size = 0; size < bom.size(); ++size) CHECK_FALSE(parse_cyclonedx(bom.substr(0, size)));
}

TEST_CASE("json pull: skipped values obey the grammar as read ones do") {
  for (const char* bad : {"{", "[1,]", "{\"a\" 1}", "\"\\x\"", "\"\t\"", "01", "1.", "-", "1e", "nul", "[1 2]",
                          "\"\\u12g4\"", "1 2", "{\"a\":1,}", "tru", "\"abc"}) {
    JsonPull in(bad);
    in.skip();
    CHECK_MESSAGE(!in.finish(), std::string(bad));
  }
  for (const char* good :
       {"{}", "[]", " [ 1 , -2.5e+3 , \"\\u00e9\\n\" , true , null , { \"a\" : {} } ] ", "0", "\"\""}) {
    JsonPull in(good);
    in.skip();
    CHECK_MESSAGE(in.finish(), std::string(good));
  }
  const std::string deep(100, '[');
  JsonPull in(deep);
  in.skip();
  CHECK(in.finish().error().reason->slug == "base.json_depth");
}

// The CycloneDX specification's own examples are fetched by nobody: give the folder of a checkout's
// tools/src/test/resources in HZ_CYCLONEDX_EXAMPLES to run against them.
TEST_CASE("cyclonedx: of the specification's own examples every valid one is accepted and every invalid one refused") {
  const char* folder = std::getenv("HZ_CYCLONEDX_EXAMPLES");
  if (!folder) {
    MESSAGE("SKIPPED: HZ_CYCLONEDX_EXAMPLES names no folder with the specification's examples");
    return;
  }
  int valid = 0, invalid = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(".json") || !(name.starts_with("valid-") || name.starts_with("invalid-"))) continue;
    const auto text = read_text(entry.path(), 64u << 20);
    REQUIRE(text);
    const auto r = parse_cyclonedx(*text);
    const bool should = name.starts_with("valid-");
    (should ? valid : invalid) += 1;
    CHECK_MESSAGE(r.has_value() == should, entry.path().string(), ": ", r ? "accepted" : r.error().text());
  }
  CHECK(valid > 0);
  CHECK(invalid > 0);
  MESSAGE(valid, " valid examples accepted, ", invalid, " invalid ones refused, but for those named above");
}
