#include "statement/ids.h"

#include <doctest/doctest.h>

#include <string>

using namespace hz::statement;

TEST_CASE("ids: the forms of docs/views.md are accepted and look-alikes are not") {
  for (const char* good :
       {"site:a", "backend:ort", "npm:@scope/pkg@1.2.3", "deb:libfoo++@1:2.0~rc1-3", "gate:speech/left/2"})
    CHECK(is_component_id(good));
  for (const char* bad : {"", "site", "site:", ":a", "Site:a", "site:a b", "site:a\n", "site:合"})
    CHECK_FALSE(is_component_id(bad));
  CHECK_FALSE(is_component_id("site:" + std::string(201, 'x')));
  CHECK(is_id_of("site", "site:a"));
  CHECK_FALSE(is_id_of("site", "sites:a"));
  CHECK_FALSE(is_id_of("sites", "site:a"));
}

TEST_CASE("ids: jurisdictions, names and digests") {
  CHECK(is_jurisdiction("CN"));
  CHECK(is_jurisdiction("unknown"));
  for (const char* bad : {"", "cn", "CHN", "C1"}) CHECK_FALSE(is_jurisdiction(bad));
  CHECK(is_shown_name("合纵 Alpha"));
  for (const char* bad : {"", "a\nb", "\xff", "a\x7f"}) CHECK_FALSE(is_shown_name(bad));
  CHECK(is_sha256(std::string(64, 'a')));
  CHECK_FALSE(is_sha256(std::string(64, 'A')));
  CHECK_FALSE(is_sha256(std::string(63, 'a')));
}
