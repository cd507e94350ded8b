// Mirroring a log of 600-byte leaves: how fast leaves are verified to a signed root, and how fast they become a durable
// copy. The network is left out: answers come from the origin's store in this process, fetched before the clock runs.
//
//   verify        bundles to leaves, leaf hashes, right edge, tiles, root against the signed one; one thread
//   whole pull    the same plus rows with two unique indexes, tiles and the synced commit; and serving, in this process
//   floor         SHA-256 of the same bytes with nothing around it
//
// usage: ./dev bench mirror [LEAVES]   (default 200000)
#include <cstdio>
#include <cstdlib>

#include "crypto/hash.h"
#include "log/mirror.h"
#include "log/serve.h"
#include "log/tile.h"
#include "measure.h"

using namespace hz;
using bench::need;
using bench::now_s;

namespace {

log::Identity identity_of(ByteView leaf) {
  log::Identity out;
  out.id = crypto::sha256(leaf);
  std::copy_n(out.id.begin(), 16, out.idem.begin());
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t count = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 200'000;
  const TempDir dir;
  SeededRng rng(5);
  auto origin = need(log::Log::create(dir.path() / "log", dir.path() / "mark", "bench.example/mirror",
                                      crypto::SigningKey::generate(rng)));
  for (std::size_t at = 0; at < count;) {
    std::vector<log::Entry> batch;
    for (; batch.size() < 1000 && at < count; ++at) {
      Bytes leaf(600);
      rng.fill(leaf);
      const auto identity = identity_of(leaf);
      batch.push_back({std::move(leaf), identity.id, identity.idem});
    }
    need(origin.append(batch));
  }

  std::vector<Bytes> bundles;
  for (const log::TileId& tile : log::tiles_of(count))
    if (tile.entries) bundles.push_back(need(origin.bundle(tile.n, tile.width)));
  double start = now_s();
  for (std::size_t n = 0; n < bundles.size(); ++n)
    for (const ByteView leaf : need(log::parse_bundle(bundles[n], log::width_at(0, n, count))))
      (void)crypto::sha256(leaf);
  const double floor = static_cast<double>(count) / (now_s() - start);

  start = now_s();
  log::TileEdge edge;
  std::size_t tile_bytes = 0;
  for (std::size_t n = 0; n < bundles.size(); ++n) {
    std::vector<Bytes> leaves;
    for (const ByteView leaf : need(log::parse_bundle(bundles[n], log::width_at(0, n, count))))
      leaves.emplace_back(leaf.begin(), leaf.end());
    log::grow(edge, leaves, [&](const log::TileId&, std::span<const Digest> hashes) {
      tile_bytes += log::tile_bytes(hashes).size();
    });
  }
  if (edge.root() != origin.head().root) return 1;
  const double verified = static_cast<double>(count) / (now_s() - start);

  auto mirror = need(log::Mirror::open(dir.path() / "mirror", origin.key(),
                                       [](ByteView leaf) -> Result<log::Identity> { return identity_of(leaf); }));
  const http::Exchange exchange = [&](const http::Request& request) -> Result<http::Response> {
    return log::serve(origin, request, "");
  };
  start = now_s();
  int calls = 1;
  while (!need(mirror.pull(exchange, "")).complete) ++calls;
  const double pulled = static_cast<double>(count) / (now_s() - start);

  const bool ok = verified >= 500'000;
  std::printf("%zu leaves of 600 bytes, %zu bytes of full tiles\n", count, tile_bytes);
  std::printf("  verified to the signed root   %9.0f leaves/s  goal 500000, one thread\n", verified);
  std::printf("  whole pull, durable           %9.0f leaves/s  %d calls, one sync each\n", pulled, calls);
  std::printf("  SHA-256 of the leaves alone   %9.0f leaves/s  the floor; ratio %.2f\n", floor, verified / floor);
  std::printf(
      "{\"id\":\"mirror\",\"value\":%.0f,\"unit\":\"leaves verified/s\",\"goal\":500000,\"peer\":\"SHA-256 alone %.0f "
      "leaves/s\",\"ratio\":%.2f,\"ok\":%s,\"pulled_per_s\":%.0f}\n",
      verified, floor, verified / floor, ok ? "true" : "false", pulled);
}
