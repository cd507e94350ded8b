// The log as plain files: what a static web server, an air gap or another program's verifier needs.
//
// Tiles first, each under a temporary name that no reader asks for, then one sync of the file system, which costs less
// than one per file; the checkpoint last, durably; then the partial tiles that full ones replaced go. So the checkpoint
// in the folder is a promise that everything below it is there, and the next call begins at its size. Rewriting all
// files each time needs no such promise, and reads a log of 10^6 statements to add ten.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/folders.h"
#include "log/reasons.h"
#include "log/state.h"

namespace hz::log {
namespace {

std::unexpected<Error> refuse(const fs::path& path, std::string_view step) {
  return fail(why("log.export"), "{}: {}: {}", path.string(), step, std::strerror(errno));
}

// Not synced: the caller syncs all.
Result<void> write_file(const fs::path& path, ByteView bytes) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  const fs::path next = path.string() + ".tmp";
  const Fd fd(::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd) return refuse(next, "open");
  while (!bytes.empty()) {
    const auto n = ::write(fd.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return refuse(next, "write");
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  if (::rename(next.c_str(), path.c_str()) != 0) return refuse(next, "rename");
  return {};
}

Result<void> sync_all(const fs::path& folder) {
  const Fd opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened || ::syncfs(opened.get()) != 0) return refuse(folder, "sync");
  return {};
}

}  // namespace

Result<PublishedTree> Log::publish_tree(const fs::path& folder, Progress& progress) {
  HZ_TRY(refresh());
  const Published published = HZ_TRY(state_->published());
  const std::uint64_t size = published.size;
  if (auto made = create_folder_durably(folder); !made) return fail(why("log.export"), "{}", made.error().detail);
  std::uint64_t old_size = 0;
  std::error_code gone;
  if (fs::exists(folder / "checkpoint", gone)) {
    const auto text = read_text(folder / "checkpoint", note_size_bytes_max);
    const auto note = text ? parse_note(*text) : std::unexpected(text.error());
    // Its key may be one that the log had before.
    const auto shown = note ? parse_checkpoint(note->text) : std::unexpected(note.error());
    if (!shown || shown->origin != origin())
      return fail(why("log.export"), "{} is no checkpoint of {}", (folder / "checkpoint").string(), origin());
    if (shown->size > size || HZ_TRY(root_at(shown->size)) != shown->root)
      return fail(why("log.export"), "{} shows {} statements that are not the first ones here", folder.string(),
                  shown->size);
    if (*text == published.note) return PublishedTree{size, 0};
    old_size = shown->size;
  }
  PublishedTree out{size, 0};
  const auto tiles = tiles_of(size);
  progress.phase("writing tiles", static_cast<std::int64_t>(tiles.size()));
  std::int64_t done = 0;
  for (const TileId& tile : tiles) {
    progress.step(++done);
    if (width_at(tile.level, tile.n, old_size) == tile.width) continue;
    HZ_TRY(write_file(folder / tile_path(tile),
                      HZ_TRY(tile.entries ? bundle(tile.n, tile.width) : this->tile(tile.level, tile.n, tile.width))));
    ++out.files;
  }
  HZ_TRY(sync_all(folder));
  if (auto written = write_file_durably(folder / "checkpoint", as_bytes(published.note)); !written)
    return fail(why("log.export"), "{}", written.error().detail);
  // A reader of the older checkpoint asks for a partial tile and gets a full one next, as the format says.
  for (const TileId& tile : tiles)
    if (tile.width == tile_width && width_at(tile.level, tile.n, old_size) < tile_width)
      fs::remove_all(folder / (tile_path(tile) + ".p"), gone);
  return out;
}

}  // namespace hz::log
