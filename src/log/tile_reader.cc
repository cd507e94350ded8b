#include "log/tile_reader.h"

#include <map>
#include <memory>

#include "log/reasons.h"
#include "log/tile_edge.h"

namespace hz::log {
namespace {
constexpr std::size_t bundle_size_bytes_max = tile_width * (2 + entry_size_bytes_max);
constexpr std::size_t tiles_kept_max = 1000;
}  // namespace

Result<std::string> TileReader::fetch(std::string_view path, std::size_t size_max) {
  http::Request request;
  request.path = fmt::format("{}/{}", prefix_, path);
  http::Response response = HZ_TRY(exchange_(request));
  if (response.status == 404) return fail(why("log.fetch_absent"), "{}", request.path);
  if (response.status != 200) return fail(why("log.fetch"), "{}: status {}", request.path, response.status);
  if (response.body.size() > size_max)
    return fail(why("log.fetch"), "{}: {} bytes, limit {}", request.path, response.body.size(), size_max);
  return std::move(response.body);
}

Result<std::string> TileReader::fetch_tile(TileId tile, std::size_t size_max) {
  auto body = fetch(tile_path(tile), size_max);
  if (body || tile.width == tile_width || body.error().reason->slug != "log.fetch_absent") return body;
  tile.width = tile_width;
  return fetch(tile_path(tile), size_max);
}

Result<std::string> TileReader::checkpoint() { return fetch("checkpoint", checkpoint_size_bytes_max); }

Result<std::vector<Bytes>> TileReader::entries(std::uint64_t n, unsigned width) {
  const std::string body = HZ_TRY(fetch_tile({true, 0, n, width}, bundle_size_bytes_max));
  auto parsed = parse_bundle(as_bytes(body), width);
  if (!parsed && width < tile_width) parsed = parse_bundle(as_bytes(body), tile_width);
  if (!parsed) return within(tile_path({true, 0, n, width}), parsed.error());
  std::vector<Bytes> out;
  for (unsigned i = 0; i < width; ++i) out.emplace_back((*parsed)[i].begin(), (*parsed)[i].end());
  return out;
}

crypto::NodeSource TileReader::nodes(std::uint64_t size) {
  using Tiles = std::map<std::pair<unsigned, std::uint64_t>, std::vector<Digest>>;
  return [this, size, kept = std::make_shared<Tiles>()](crypto::Node node) -> Result<Digest> {
    const unsigned level = node.level / 8, within_tile = node.level % 8;
    const std::uint64_t first = node.index << within_tile, n = first / tile_width;
    const std::size_t at = first % tile_width, count = std::size_t{1} << within_tile;
    const unsigned width = width_at(level, n, size);
    HZ_ASSERT(at + count <= width);
    auto tile = kept->find({level, n});
    if (tile == kept->end()) {
      const TileId id{false, level, n, width};
      const std::string body = HZ_TRY(fetch_tile(id, tile_size_bytes));
      if (body.size() < width * 32 || body.size() % 32 != 0)
        return fail(why("log.fetch"), "{}: {} bytes, {} are needed", tile_path(id), body.size(), width * 32);
      if (kept->size() >= tiles_kept_max) kept->clear();
      tile = kept->emplace(std::pair(level, n), tile_hashes(as_bytes(body).first(width * 32))).first;
    }
    return fold(std::span<const Digest>(tile->second).subspan(at, count));
  };
}

}  // namespace hz::log
