#include "log/tile.h"

#include "log/decimal.h"
#include "log/reasons.h"

namespace hz::log {

std::string tile_path(const TileId& tile) {
  std::string digits = fmt::format("{:03}", tile.n % 1000);
  for (std::uint64_t rest = tile.n / 1000; rest > 0; rest /= 1000)
    digits = fmt::format("x{:03}/{}", rest % 1000, digits);
  const std::string level = tile.entries ? "entries" : fmt::format("{}", tile.level);
  const std::string partial = tile.width == tile_width ? "" : fmt::format(".p/{}", tile.width);
  return fmt::format("tile/{}/{}{}", level, digits, partial);
}

Result<TileId> parse_tile_path(std::string_view path) {
  const auto refuse = [&] { return fail(why("log.tile_path"), "\"{}\"", path.substr(0, 100)); };
  std::string_view rest = path;
  const auto take = [&rest] {
    const auto slash = rest.find('/');
    const auto part = rest.substr(0, slash);
    rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
    return part;
  };
  if (path.size() > 100 || take() != "tile") return refuse();
  TileId tile;
  const auto level = take();
  tile.entries = level == "entries";
  if (!tile.entries) {
    const auto number = parse_decimal(level);
    if (!number || *number > 63) return refuse();
    tile.level = static_cast<unsigned>(*number);
  }
  if (const auto dot = rest.find(".p/"); dot != std::string_view::npos) {
    const auto width = parse_decimal(rest.substr(dot + 3));
    if (!width || *width < 1 || *width > 255) return refuse();
    tile.width = static_cast<unsigned>(*width);
    rest = rest.substr(0, dot);
  }
  for (bool last = false; !last;) {
    last = rest.find('/') == std::string_view::npos;
    if (last && rest.empty()) return refuse();
    auto part = take();
    if (!last) {
      if (!part.starts_with('x')) return refuse();
      part.remove_prefix(1);
    }
    if (part.size() != 3 || tile.n > INT64_MAX / 1000 - 1) return refuse();
    for (const char c : part) {
      if (c < '0' || c > '9') return refuse();
      tile.n = tile.n * 10 + static_cast<std::uint64_t>(c - '0');
    }
  }
  // x000/001 and the like are second names of the same tile.
  if (tile_path(tile) != path) return refuse();
  return tile;
}

std::uint64_t hashes_at(unsigned level, std::uint64_t size) { return level >= 8 ? 0 : size >> (8 * level); }

unsigned level_count(std::uint64_t size) {
  unsigned levels = 0;
  while (hashes_at(levels, size) > 0) ++levels;
  return levels;
}

unsigned width_at(unsigned level, std::uint64_t n, std::uint64_t size) {
  const std::uint64_t count = hashes_at(level, size);
  if (n > count / tile_width) return 0;
  return n == count / tile_width ? static_cast<unsigned>(count % tile_width) : tile_width;
}

std::vector<TileId> tiles_of(std::uint64_t size) {
  std::vector<TileId> out;
  const auto add = [&](bool entries, unsigned level) {
    for (std::uint64_t n = 0;; ++n) {
      const unsigned width = width_at(level, n, size);
      if (width == 0) break;
      out.push_back({entries, level, n, width});
    }
  };
  for (unsigned level = 0; level < level_count(size); ++level) add(false, level);
  add(true, 0);
  return out;
}

void put_entry(Bytes& bundle, ByteView leaf) {
  HZ_ASSERT(leaf.size() <= entry_size_bytes_max);
  put_be(bundle, static_cast<std::uint16_t>(leaf.size()));
  put(bundle, leaf);
}

Result<std::vector<ByteView>> parse_bundle(ByteView bundle, unsigned width) {
  std::vector<ByteView> entries;
  entries.reserve(width);
  while (entries.size() < width) {
    if (bundle.size() < 2) return fail(why("log.bundle"), "it ends before entry {} of {}", entries.size(), width);
    const std::size_t length = get_be<std::uint16_t>(bundle.data());
    if (bundle.size() - 2 < length)
      return fail(why("log.bundle"), "entry {} states {} bytes, {} are left", entries.size(), length,
                  bundle.size() - 2);
    entries.push_back(bundle.subspan(2, length));
    bundle = bundle.subspan(2 + length);
  }
  if (!bundle.empty()) return fail(why("log.bundle"), "{} bytes after entry {}", bundle.size(), width);
  return entries;
}

}  // namespace hz::log
