#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>

#include "blob/store.h"
#include "crypto/hash.h"

using namespace hz;

TEST_CASE("blob: what was put comes back, and putting it again changes nothing") {
  const TempDir dir;
  auto store = blob::Store::open(dir.path() / "blobs").value();
  for (const std::string& text : {std::string(), std::string("hello"), std::string(3'000'000, 'x')}) {
    const Digest digest = store.put(as_bytes(text)).value();
    CHECK(digest == crypto::sha256(as_bytes(text)));
    CHECK(store.has(digest));
    CHECK(as_text(store.get(digest).value()) == text);
    const auto written = fs::last_write_time(store.path(digest));
    CHECK(store.put(as_bytes(text)).value() == digest);
    CHECK(fs::last_write_time(store.path(digest)) == written);
  }
}

TEST_CASE("blob: a put leaves exactly one file") {
  const TempDir dir;
  auto store = blob::Store::open(dir.path()).value();
  REQUIRE(store.put(as_bytes("a")));
  int files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(dir.path())) files += entry.is_regular_file();
  CHECK(files == 1);
}

TEST_CASE("blob: missing, damaged, cut and oversized bytes are told apart") {
  const TempDir dir;
  auto store = blob::Store::open(dir.path()).value();
  CHECK(store.get(Digest{}).error().reason->slug == "blob.missing");
  const Digest digest = store.put(as_bytes("hello")).value();
  CHECK(store.get(digest, 4).error().reason->slug == "base.too_large");
  ::chmod(store.path(digest).c_str(), 0644);
  std::ofstream(store.path(digest)) << "hellp";
  const auto damaged = store.get(digest);
  CHECK(damaged.error().reason->slug == "blob.corrupt");
  CHECK(damaged.error().detail.find(store.path(digest).string()) != std::string::npos);
  std::ofstream(store.path(digest)) << "hell";
  CHECK(store.put(as_bytes("hello")).error().reason->slug == "blob.corrupt");
}
