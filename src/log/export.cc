// The log as plain files: what a static web server, an air gap or another program's verifier needs.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/folders.h"
#include "log/reasons.h"
#include "log/state.h"

namespace hz::log {

Result<void> Log::export_tree(const fs::path& folder, Progress& progress) {
  const auto tiles = tiles_of(state_->head.size);
  progress.phase("exporting tiles", static_cast<std::int64_t>(tiles.size()));
  std::int64_t done = 0;
  for (const TileId& tile : tiles) {
    const Bytes bytes = HZ_TRY(tile.entries ? bundle(tile.n, tile.width) : this->tile(tile.level, tile.n, tile.width));
    const fs::path path = folder / tile_path(tile);
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    std::ofstream out(path, std::ios::binary);
    out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    out.close();
    if (error || !out) return fail(why("log.export"), "{}", path.string());
    progress.step(++done);
  }
  // The checkpoint last: whoever reads the folder meanwhile sees the old head, whose tiles are all there.
  // And after a power cut too: one sync of the file system costs less than one per tile.
  if (auto made = create_folder_durably(folder); !made) return fail(why("log.export"), "{}", made.error().detail);
  const Fd opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened || ::syncfs(opened.get()) != 0)
    return fail(why("log.export"), "{}: {}", folder.string(), std::strerror(errno));
  const std::string note = HZ_TRY(state_->shown_checkpoint());
  if (auto written = write_file_durably(folder / "checkpoint", as_bytes(note)); !written)
    return fail(why("log.export"), "{}", written.error().detail);
  return {};
}

}  // namespace hz::log
