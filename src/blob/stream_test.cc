#include "blob/stream.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>

using namespace hz;

TEST_CASE("blob stream: what goes in piece by piece comes out whole, in parts, and under its digest") {
  const TempDir temp;
  auto store = blob::Store::open(temp.path());
  REQUIRE(store);
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += fmt::format("{}\n", i);
  const Digest digest = crypto::sha256(as_bytes(text));
  for (const bool fresh : {true, false}) {
    auto intake = blob::Intake::begin(*store);
    REQUIRE(intake);
    for (std::size_t at = 0; at < text.size(); at += 10'000)
      REQUIRE(intake->write(as_bytes(std::string_view(text).substr(at, 10'000)), text.size()));
    const auto stored = intake->finish(digest);
    REQUIRE(stored);
    CHECK(*stored == fresh);
  }
  CHECK(as_text(*store->get(digest)) == text);
  const auto source = blob::open_source(*store, digest);
  REQUIRE(source);
  REQUIRE((*source)->size() == text.size());
  std::string part(100, '\0');
  REQUIRE((*source)->read(1000, {reinterpret_cast<std::uint8_t*>(part.data()), part.size()}));
  CHECK(part == text.substr(1000, 100));
  CHECK_FALSE((*source)->read(text.size() - 50, {reinterpret_cast<std::uint8_t*>(part.data()), part.size()}));
}

TEST_CASE("blob stream: wrong digest, too many bytes and a dropped intake leave nothing") {
  const TempDir temp;
  auto store = blob::Store::open(temp.path());
  {
    auto wrong = blob::Intake::begin(*store);
    REQUIRE(wrong->write(as_bytes("hello"), 5));
    CHECK(wrong->finish(Digest{}).error().reason->slug == "blob.digest");
    auto large = blob::Intake::begin(*store);
    REQUIRE(large->write(as_bytes("hello"), 5));
    CHECK(large->write(as_bytes("!"), 5).error().reason->slug == "base.too_large");
  }
  CHECK(fs::is_empty(temp.path()));
  CHECK(blob::open_source(*store, Digest{}).error().reason->slug == "blob.missing");
}

TEST_CASE("blob stream: a blob that changed on disk is noticed at the end of a whole reading") {
  const TempDir temp;
  auto store = blob::Store::open(temp.path());
  const Digest digest = *store->put(as_bytes("hello world"));
  ::chmod(store->path(digest).c_str(), 0644);
  std::ofstream(store->path(digest)) << "hello w0rld";
  const auto source = blob::open_source(*store, digest);
  std::array<std::uint8_t, 6> first;
  std::array<std::uint8_t, 5> last;
  CHECK((*source)->read(0, first));
  CHECK((*source)->read(6, last).error().reason->slug == "blob.corrupt");
}
