#include "blob/partial.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "base/fs.h"

using namespace hz;

namespace {
const std::string text = "the bytes of a model, in two halves";
const Digest digest = crypto::sha256(as_bytes(text));
ByteView half(int which) {
  return as_bytes(which == 0 ? std::string_view(text).substr(0, 20) : std::string_view(text).substr(20));
}
}  // namespace

TEST_CASE("partial: what one process left the next one goes on with, and only the whole becomes visible") {
  const TempDir temp;
  auto store = blob::Store::open(temp.path()).value();
  {
    auto first = blob::Partial::open(store, digest).value();
    REQUIRE(first.write(half(0)));
    CHECK_FALSE(first.verify());
    CHECK(first.publish().error().reason->slug == "blob.digest");
    CHECK_FALSE(store.has(digest));
    CHECK(blob::Partial::open(store, digest).error().reason->slug == "blob.busy");
  }
  auto second = blob::Partial::open(store, digest).value();
  CHECK(second.size() == 20);
  REQUIRE(second.write(half(1)));
  REQUIRE(second.publish());
  CHECK(as_text(*store.get(digest)) == text);
  struct stat s{};
  REQUIRE(::stat(store.path(digest).c_str(), &s) == 0);
  CHECK((s.st_mode & 0777) == 0444);
  CHECK(fs::is_empty(temp.path() / "partial"));
}

TEST_CASE("partial: a restart forgets everything, and a new fetch of known bytes leaves the blob alone") {
  const TempDir temp;
  auto store = blob::Store::open(temp.path()).value();
  auto partial = blob::Partial::open(store, digest).value();
  REQUIRE(partial.write(half(1)));
  REQUIRE(partial.restart());
  CHECK(partial.size() == 0);
  REQUIRE(partial.write(half(0)));
  REQUIRE(partial.write(half(1)));
  REQUIRE(partial.publish());
  auto again = blob::Partial::open(store, digest).value();
  CHECK(again.size() == 0);
  REQUIRE(again.write(half(1)));
  CHECK(as_text(*store.get(digest)) == text);
}
