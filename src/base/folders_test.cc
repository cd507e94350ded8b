#include "base/folders.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "base/reason.h"

using namespace hz;

namespace {
unsigned mode_of(const fs::path& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 07777U : 0;
}
}  // namespace

TEST_CASE("a folder and every missing one above it are made, and only the last has the mode asked for") {
  const TempDir temp;
  REQUIRE(create_folder_durably(temp.path() / "a/b/c", 0700));
  CHECK(mode_of(temp.path() / "a/b/c") == 0700);
  CHECK(mode_of(temp.path() / "a/b") == 0755);
  // A slash at the end names the same folder.
  CHECK(create_folder_durably(temp.path() / "a/d/"));
  CHECK(fs::is_directory(temp.path() / "a/d"));
}

TEST_CASE("a folder that is there already keeps its mode and what is in it") {
  const TempDir temp;
  REQUIRE(create_folder_durably(temp.path() / "a", 0700));
  REQUIRE(write_file_durably(temp.path() / "a/file", as_bytes("x")));
  CHECK(create_folder_durably(temp.path() / "a", 0755));
  CHECK(mode_of(temp.path() / "a") == 0700);
  CHECK(fs::exists(temp.path() / "a/file"));
}

TEST_CASE("a file where a folder should be is named") {
  const TempDir temp;
  REQUIRE(write_file_durably(temp.path() / "file", as_bytes("x")));
  for (const char* at : {"file", "file/below"}) {
    const auto made = create_folder_durably(temp.path() / at);
    REQUIRE_FALSE(made);
    CHECK(made.error().reason->slug == "base.write");
    CHECK(made.error().detail.find("file") != std::string::npos);
  }
}
