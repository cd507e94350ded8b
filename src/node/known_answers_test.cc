#include "node/known_answers.h"

#include <doctest/doctest.h>

#include "drill/test_world.h"
#include "node/deny_list.h"

using namespace hz;
using namespace hz::node;

namespace {

drill::Answers answers(std::int64_t quality_milli, std::int64_t cases, std::int64_t all) {
  return {.verdict = "STRICT",
          .logits = "equal",
          .cases = cases,
          .quality_milli = quality_milli,
          .agreement_milli = 1000,
          .top5_milli = 1000,
          .noise_milli = noise_milli(cases, all)};
}

}  // namespace

TEST_CASE("answers: noise is two standard errors of a sample, and none of the whole set") {
  CHECK(noise_milli(100, 1500) == 100);
  CHECK(noise_milli(400, 1500) == 50);
  CHECK(noise_milli(1500, 1500) == 0);
  CHECK(noise_milli(0, 1500) == 0);
}

TEST_CASE("answers: the whole set may lose what is tolerated and not a thousandth more") {
  const QualityTerms terms{960, 10};
  CHECK(wrong_with(answers(950, 1500, 1500), "", {}, terms).empty());
  CHECK(wrong_with(answers(949, 1500, 1500), "", {}, terms).contains("quality fell from 96.0 %"));
  drill::Answers failed = answers(990, 1500, 1500);
  failed.verdict = "FAILED";
  CHECK(wrong_with(failed, "case 3 is answered b", {}, terms) == "FAILED: case 3 is answered b");
}

TEST_CASE("answers: a sample is excused by its noise, unless the incumbent does better on the very same cases") {
  const QualityTerms terms{960, 10};
  CHECK(wrong_with(answers(905, 400, 1500), "", {}, terms).empty());  // 960 - 10 - 50 = 900
  CHECK_FALSE(wrong_with(answers(899, 400, 1500), "", {}, terms).empty());
  // 5.5 points below on hard cases is no news when the incumbent misses them too.
  CHECK(wrong_with(answers(905, 400, 1500), "", answers(905, 400, 1500), terms).empty());
  CHECK(wrong_with(answers(905, 400, 1500), "", answers(990, 400, 1500), terms)
            .contains("of the incumbent on the same cases"));
  // On the whole set the comparison has no noise at all.
  CHECK_FALSE(wrong_with(answers(960, 1500, 1500), "", answers(971, 1500, 1500), terms).empty());
}

TEST_CASE("deny list: lost libraries are found by name, by soname and by build id under another name") {
  drill::WorldBuilder b;
  b.entity("shop", "Shop", "XX").entity("hub", "Hub", "XX");
  b.node("backend:eng", "runtime")
      .node("file:libeng.so.1", "file", "shop")
      .node("service:hub.example", "service", "shop");
  b.node("npm:eng@1.0", "package", "shop").node("file:libpart.so.2", "file", "hub");
  b.needs("backend:eng", "file:libeng.so.1").needs("file:libpart.so.2", "npm:eng@1.0");
  b.product("p", "P", "x", "backend:eng");
  const auto r = drill::Rehearsal::of(b.world, {"entity:shop"}, 5000).value();
  const LostParts parts = lost_parts(*r, {{"file:libeng.so.1", std::string(64, '1')}});
  REQUIRE(parts.libraries.size() == 2);
  CHECK(parts.libraries[0].soname == "libeng.so.1");
  CHECK(parts.libraries[0].sha256 == std::vector{std::string(64, '1')});
  CHECK(parts.libraries[1].soname == "libpart.so.2");  // what a lost package ships is lost
  CHECK(parts.hosts == std::vector<std::string>{"hub.example"});

  // Real libraries of this machine under names of their own.
  const fs::path real = fs::canonical("/proc/self/exe");
  TempDir folder;
  fs::copy_file(real, folder.path() / "libeng.so.1");
  fs::copy_file(real, folder.path() / "plugin.bin");
  std::error_code error;
  fs::create_symlink("plugin.bin", folder.path() / "again", error);
  CHECK(write_file_durably(folder.path() / "notes.txt", as_bytes("libeng.so.1")));
  std::vector<drill::BlockedLibrary> out;
  find_files(out, parts.libraries, {folder.path()});
  REQUIRE(out.size() == 2);
  CHECK(out[1].files.empty());
  const std::vector<std::string> both{(fs::canonical(folder.path()) / "libeng.so.1").string(),
                                      (fs::canonical(folder.path()) / "plugin.bin").string()};
  if (out[0].build_id.empty())
    CHECK(out[0].files == std::vector{both[0]});
  else
    CHECK(out[0].files == both);
}
