// One made-up BOM per kind of rule: the member that breaks it, and what the refusal says.
#include <doctest/doctest.h>

#include "supply/cyclonedx.h"

using namespace hz;
using namespace hz::supply;

namespace {

std::string verdict(std::string_view version, std::string_view members) {
  const auto r = parse_cyclonedx(fmt::format(R"({{"bomFormat":"CycloneDX","specVersion":"{}","version":1{}{}}})",
                                             version, members.empty() ? "" : ",", members));
  return r ? "accepted" : r.error().text();
}
std::string part(std::string_view version, std::string_view members) {
  return verdict(version, fmt::format(R"("components":[{{"type":"library","name":"a",{}}}])", members));
}

struct Example {
  std::string_view version, members, said;
};

}  // namespace

TEST_CASE("bom rules: each kind of rule refuses what breaks it, at its JSON path, and accepts what does not") {
  constexpr Example rows[] = {
      // types, also where two are allowed
      {"1.6", R"("metadata":[])", "$.metadata should be an object"},
      {"1.5", R"("metadata":{"tools":7})", "$.metadata.tools should be an object or a list"},
      {"1.5", R"("metadata":{"tools":[{"name":"t"}]})", ""},
      {"1.5", R"("metadata":{"tools":{"components":[{"type":"library"}]}})",
       "$.metadata.tools.components[0] has no name"},
      {"1.6", R"("version":1.5)", "key \"version\" appears twice"},
      // words
      {"1.2", R"("$schema":"http://example.test/")",
       "$.$schema should be http://cyclonedx.org/schema/bom-1.2a.schema.json"},
      {"1.7", R"("metadata":{"distributionConstraints":{"tlp":"PURPLE"}})",
       "$.metadata.distributionConstraints.tlp should be AMBER or AMBER_AND_STRICT or CLEAR or GREEN or RED"},
      // patterns and formats
      {"1.6", R"("serialNumber":"urn:uuid:3E671687-395B-41F5-A30F-A58921A69B79")",
       "$.serialNumber should be urn:uuid: and a UUID in lower case"},
      {"1.4", R"("metadata":{"timestamp":"2026-02-29T00:00:00Z"})",
       "$.metadata.timestamp should be a time as RFC 3339 writes it, such as 2026-01-31T12:00:00Z"},
      {"1.4", R"("metadata":{"timestamp":"2024-02-29T23:59:60+00:00"})", ""},
      {"1.4", R"("metadata":{"authors":[{"email":"nobody"}]})", "$.metadata.authors[0].email should be a mail address"},
      {"1.6", R"("externalReferences":[{"type":"vcs","url":"git@forge.example:a/b.git"}])",
       "$.externalReferences[0].url should be an IRI reference (RFC 3987)"},
      {"1.6", R"("externalReferences":[{"type":"bom","url":"urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#a%20b"}])",
       ""},
      // numbers
      {"1.6", R"("formulation":[{"workflows":[{"bom-ref":"w","uid":"u","taskTypes":["build"],"accessCount":1}]}])",
       "$.formulation[0].workflows[0].accessCount is not a member the schema knows here"},
      {"1.5", R"("vulnerabilities":[{"cwes":[0]}])", "$.vulnerabilities[0].cwes[0] should be 1 or more"},
      {"1.5", R"("vulnerabilities":[{"cwes":[79.5]}])", "$.vulnerabilities[0].cwes[0] should be an integer"},
      {"1.5", R"("vulnerabilities":[{"cwes":[79.0]}])", ""},
      // lists
      {"1.6", R"("dependencies":[{"ref":"a","dependsOn":["b","c","b"]}])",
       "$.dependencies[0].dependsOn has equal elements, [0] and [2]"},
      {"1.6", R"("services":[{"name":"s","group":"g"},{ "group" : "\u0067", "name" : "s" }])",
       "$.services has equal elements, [0] and [1]"},
      {"1.6", R"("services":[{"name":"s","group":"g"},{"name":"g","group":"s"}])", ""},
      // members that go together
      {"1.6", R"("annotations":[{"subjects":["a"],"annotator":{},"timestamp":"2026-01-01T00:00:00Z","text":"t"}])",
       "$.annotations[0].annotator should have exactly one of organization or individual or component or service"},
      {"1.7", R"("citations":[{"timestamp":"2026-01-01T00:00:00Z","pointers":["/a"]}])",
       "$.citations[0] should have attributedTo or process"},
      {"1.7",
       R"("components":[{"type":"library","name":"a","version":"1","versionRange":"vers:npm/1","isExternal":true}])",
       "$.components[0] should not have version and versionRange together"},
      {"1.7", R"("components":[{"type":"library","name":"a","versionRange":"vers:npm/1"}])",
       "$.components[0] should have versionRange only where isExternal is true"},
      {"1.7", R"("components":[{"type":"library","name":"a","versionRange":"vers:npm/1","isExternal":true}])", ""},
      // alternatives: the refusal is that of the one that came furthest
      {"1.5", R"("metadata":{"lifecycles":[{"phase":"build","name":"n"}]})",
       "$.metadata.lifecycles[0].name is not a member the schema knows here"},
      {"1.6", R"("metadata":{"licenses":[{"expression":"MIT"},{"expression":"ISC"}]})",
       "$.metadata.licenses should have at most 1 elements"},
      {"1.6", R"("metadata":{"licenses":[{"license":{"id":"MIT-2"}}]})",
       "$.metadata.licenses[0].license.id is none of the 826 words the schema names"},
      {"1.7",
       R"("components":[{"type":"data","name":"a","patentAssertions":[{"assertionType":"license","asserter":{"name":"x"}}]}])",
       "$.components[0].patentAssertions[0].asserter fits more than one form, and the schema wants exactly one"},
      // signatures: what a key must have depends on its kind
      {"1.6", R"("signature":{"algorithm":"ES256","value":"v","publicKey":{"kty":"EC","crv":"P-256","x":"x"}})",
       "$.signature.publicKey has no y"},
      {"1.6", R"("signature":{"algorithm":"ES256","value":"v","publicKey":{"kty":"EC","crv":"P-256","x":"x","y":"y"}})",
       ""},
      {"1.6", R"("signature":{"algorithm":"rot13","value":"v"})",
       "$.signature.algorithm should be ES256 or ES384 or ES512 or Ed25519 or Ed448 or HS256 or HS384 or HS512 or "
       "PS256 or "
       "PS384 or PS512 or RS256 or RS384 or RS512"},
      {"1.6", R"("signature":{"algorithm":"https://example.test/alg","value":"v"})", ""},
  };
  for (const Example& row : rows) {
    const std::string got = verdict(row.version, row.members);
    CAPTURE(std::string(row.members));
    if (row.said.empty())
      CHECK(got == "accepted");
    else
      CHECK_MESSAGE(got.find(row.said) != std::string::npos, got);
  }
}

TEST_CASE("bom rules: parts that make no fact are checked too") {
  CHECK(part("1.4", R"("pedigree":{"commits":[{"url":"http://a b"}]})") ==
        "supply.bom: $.components[0].pedigree.commits[0].url should be an IRI reference (RFC 3987)");
  CHECK(part("1.4", R"("pedigree":{"ancestors":[{"type":"library"}]})") ==
        "supply.bom: $.components[0].pedigree.ancestors[0] has no name");
  CHECK(part("1.6", R"("evidence":{"identity":[{"field":"purl","confidence":2}]})") ==
        "supply.bom: $.components[0].evidence.identity[0].confidence should be 1 or less");
  CHECK(part("1.6", R"("swid":{"name":"n"})") == "supply.bom: $.components[0].swid has no tagId");
  CHECK(part("1.6", R"("properties":[{"name":"n","value":1}])") ==
        "supply.bom: $.components[0].properties[0].value should be a text");
  CHECK(part("1.6", R"("mime-type":"Text/Plain")") ==
        "supply.bom: $.components[0].mime-type should be a media type in lower case, such as text/plain");
}

TEST_CASE("bom rules: a version knows its own members only") {
  CHECK(part("1.5", R"("manufacturer":{"name":"m"})") ==
        "supply.bom: $.components[0].manufacturer is not a member the schema knows here");
  CHECK(part("1.6", R"("manufacturer":{"name":"m"})") == "accepted");
  CHECK(verdict("1.6", R"("citations":[])") == "supply.bom: $.citations is not a member the schema knows here");
  CHECK(verdict("1.7", R"("citations":[])") == "accepted");
  CHECK(verdict("1.7", R"("citations":[{"timestamp":"2026-01-01T00:00:00Z","attributedTo":"a","pointers":[]}])") ==
        "supply.bom: $.citations[0].pointers should have at least 1 elements");
}

TEST_CASE("bom rules: the version may stand anywhere, and alternatives in alternatives cost a small factor only") {
  CHECK(parse_cyclonedx(R"({"components":[],"version":1,"specVersion":"1.6","bomFormat":"CycloneDX"})"));
  std::string nested = R"({"type":"library","name":"x"})";
  for (int i = 0; i < 25; ++i)
    nested = fmt::format(
        R"({{"type":"library","name":"n{}","licenses":[{{"license":{{"id":"MIT"}}}}],"components":[{}]}})", i, nested);
  CHECK(parse_cyclonedx(
      fmt::format(R"({{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[{}]}})", nested)));
}
