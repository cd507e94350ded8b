#include "alliance/reserve.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

using namespace hz;
using namespace hz::alliance;

TEST_CASE("reserve: real blocks, taken once, given back once, and taken again; half of one is none") {
  TempDir dir;
  CHECK(keep_reserve(dir.path()) == Reserve::made);
  struct stat s{};
  REQUIRE(::stat((dir.path() / "reserve").c_str(), &s) == 0);
  CHECK(static_cast<std::uint64_t>(s.st_size) == reserve_size_bytes);
  CHECK(static_cast<std::uint64_t>(s.st_blocks) * 512 >= reserve_size_bytes);
  CHECK((s.st_mode & 0777) == 0600);
  CHECK(keep_reserve(dir.path()) == Reserve::there);
  CHECK(release_reserve(dir.path()));
  CHECK_FALSE(release_reserve(dir.path()));
  REQUIRE(write_file_durably(dir.path() / "reserve", as_bytes("cut short")));
  CHECK(keep_reserve(dir.path()) == Reserve::made);
  CHECK(keep_reserve(dir.path() / "nothing") == Reserve::no_room);
}
