// Three blobs: a small one, one of several writes' size, and one that is there already.
#include <algorithm>

#include "blob/store.h"
#include "crypto/hash.h"
#include "story.h"

namespace hz::fault {
namespace {

std::string blob(int i) { return i == 1 ? std::string(300'000, 'b') : fmt::format("blob {}", i); }
std::string name_of(int i) { return hex(crypto::sha256(as_bytes(blob(i)))); }

}  // namespace

void prepare(const fs::path& folder) {
  auto store = need(blob::Store::open(folder / "blobs"));
  need(store.put(as_bytes(blob(2))));
}

void run(const fs::path& folder) {
  auto store = need(blob::Store::open(folder / "blobs"));
  for (int i = 0; i < 3; ++i) acknowledge(hex(need(store.put(as_bytes(blob(i))))));
}

void verify(const fs::path& folder, const std::string& acknowledged) {
  auto store = need(blob::Store::open(folder / "blobs"));
  for (int i = 0; i < 3; ++i)
    if (acknowledged.find(name_of(i)) != std::string::npos)
      require(as_text(need(store.get(crypto::sha256(as_bytes(blob(i)))))) == blob(i), "nothing acknowledged is lost");
  // No half-written file under a digest's name, and no litter.
  for (const auto& entry : fs::recursive_directory_iterator(folder / "blobs")) {
    if (!entry.is_regular_file()) continue;
    const auto name = entry.path().parent_path().filename().string() + entry.path().filename().string();
    const Bytes bytes = need(read_file(entry.path(), 1 << 20));
    require(hex(crypto::sha256(bytes)) == name, "every file in the store is the blob its name says");
  }
  for (int i = 0; i < 3; ++i) {
    need(store.put(as_bytes(blob(i))));
    require(as_text(need(store.get(crypto::sha256(as_bytes(blob(i)))))) == blob(i), "a repeated put completes");
  }
}

}  // namespace hz::fault
