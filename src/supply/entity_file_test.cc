#include <doctest/doctest.h>

#include "supply/entity_file.h"

using namespace hz;
using namespace hz::supply;

namespace {

constexpr std::string_view good = R"(
[list]
id = "software"
as_of = "2026-11-01"
note = "who stands behind the software used here"
[[entity]]
id = "acme"
name = "Acme Ltd"
jurisdiction = "GB"
source = "register"
[[entity]]
id = "parent"
name = "Parent SA"
jurisdiction = "unknown"
lei = "5493001KJTIIGC8Y1R12"
source = "register"
[[owner]]
entity = "acme"
owner = "parent"
share_bp = 6000
source = "annual report"
[[attribution]]
match = "npm:@acme/*"
entity = "acme"
source = "npm page"
)";

std::string changed(std::string_view from, std::string_view to) {
  std::string text(good);
  text.replace(text.find(from), from.size(), to);
  const auto r = parse_entity_list(text);
  return r ? "accepted" : r.error().text();
}

}  // namespace

TEST_CASE("entity list: a good list is read whole") {
  const auto list = parse_entity_list(good);
  REQUIRE(list);
  CHECK(list->entities.size() == 2);
  CHECK(list->owners[0].share_bp == 6000);
  CHECK(list->attributions[0].match == "npm:@acme/*");
}

TEST_CASE("entity list: wrong rows are refused with their line") {
  CHECK(changed("\"GB\"", "\"Britain\"").starts_with("supply.field: line 9: [[entity]] jurisdiction"));
  CHECK(changed("5493001KJTIIGC8Y1R12", "5493001KJTIIGC8Y1R13").find("is no LEI") != std::string::npos);
  CHECK(changed("owner = \"parent\"", "owner = \"nobody\"").find("names nobody") != std::string::npos);
  CHECK(changed("owner = \"parent\"", "owner = \"acme\"").find("is the entity itself") != std::string::npos);
  CHECK(changed("6000", "10001").find("from 1 to 10000") != std::string::npos);
  CHECK(changed("npm:@acme/*", "npm:@acme/x@1.0").find("should not carry a version") != std::string::npos);
  CHECK(changed("npm:@acme/*", "acme").find("should be <namespace>:<name>") != std::string::npos);
  CHECK(changed("2026-11-01", "soon").find("as_of") != std::string::npos);
  CHECK(changed("id = \"parent\"", "id = \"acme\"").find("appears twice") != std::string::npos);
  CHECK(changed("[[owner]]", "[[owners]]").find("owners is not a known field") != std::string::npos);
}

TEST_CASE("entity list: a long list is cut into parts of bounded size that join to the whole") {
  EntityList list = *parse_entity_list(good);
  for (int i = 0; i < 2000; ++i) list.entities.push_back({fmt::format("e{}", i), "Name", "FR", {}, "register"});
  const auto parts = split_entity_list(list);
  CHECK(parts.size() > 4);
  std::size_t entities = 0, owners = 0;
  for (const EntityList& part : parts) {
    CHECK(json::dump(to_json(part)).size() <= 30 * 1024);
    CHECK(part.parts == static_cast<std::int64_t>(parts.size()));
    entities += part.entities.size();
    owners += part.owners.size();
  }
  CHECK(entities == list.entities.size());
  CHECK(owners == 1);
}

TEST_CASE("lei: the check number decides") {
  CHECK(valid_lei("5493001KJTIIGC8Y1R12"));
  CHECK_FALSE(valid_lei("5493001KJTIIGC8Y1R21"));
  CHECK_FALSE(valid_lei("5493001kjtiigc8y1r12"));
  CHECK_FALSE(valid_lei(""));
}
