// A fetch that is cut anywhere: bytes of a partial blob are found again or fetched again, never taken for right.
#include <algorithm>

#include "blob/partial.h"
#include "crypto/hash.h"
#include "story.h"

namespace hz::fault {
namespace {

constexpr std::size_t piece = 40'000;

std::string content() {
  std::string out(3 * piece + 17, '\0');
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<char>(i * 31 % 251);
  return out;
}
Digest digest() { return crypto::sha256(as_bytes(content())); }

// As a fetch goes on: what is here is kept when it can be a part of the whole, the rest comes in pieces.
void fetch_rest(blob::Partial& partial) {
  const std::string all = content();
  if (partial.size() > all.size()) need(partial.restart());
  while (partial.size() < all.size())
    need(partial.write(as_bytes(std::string_view(all).substr(partial.size(), piece))));
}

void fetch_all(const fs::path& folder) {
  auto partial = need(blob::Partial::open(need(blob::Store::open(folder / "blobs")), digest()));
  fetch_rest(partial);
  if (!partial.verify()) {  // a write that was cut short in an earlier life
    need(partial.restart());
    fetch_rest(partial);
  }
  need(partial.publish());
}

}  // namespace

void prepare(const fs::path& folder) {
  // One piece is here already, from a process that ended.
  auto partial = need(blob::Partial::open(need(blob::Store::open(folder / "blobs")), digest()));
  need(partial.write(as_bytes(std::string_view(content()).substr(0, piece))));
}

void run(const fs::path& folder) {
  fetch_all(folder);
  acknowledge(hex(digest()));
}

void verify(const fs::path& folder, const std::string& acknowledged) {
  const auto store = need(blob::Store::open(folder / "blobs"));
  const auto whole = [&] { return as_text(need(store.get(digest()))) == content(); };
  if (acknowledged.find(hex(digest())) != std::string::npos) require(whole(), "what was acknowledged is there, whole");
  // Under its digest stands the blob or nothing, whatever is in the partial.
  if (store.has(digest())) {
    require(whole(), "a published blob is the one its name says");
    return;
  }
  fetch_all(folder);
  require(whole(), "a cut fetch is finished by the next one");
}

}  // namespace hz::fault
