// A folder for static web servers grows from 250 to 700 statements.
#include "log/note.h"
#include "log/tile.h"
#include "log_story.h"

namespace hz::fault {

void prepare(const fs::path& folder) {
  auto log = need(log::Log::create(folder / "log", folder / "mark", log_name, log_key()));
  need(log.append(log_entries(0, 250)));
  need(log.publish_tree(folder / "public", silent_progress()));
  need(log.append(log_entries(250, 700)));
}

void run(const fs::path& folder) {
  auto log = need(log::Log::open_reader(folder / "log"));
  acknowledge(std::to_string(need(log.publish_tree(folder / "public", silent_progress())).size));
}

void verify(const fs::path& folder, const std::string& acknowledged) {
  auto log = need(log::Log::open_reader(folder / "log"));
  const auto shown = [&] {
    const std::string text = need(read_text(folder / "public" / "checkpoint", 1 << 16));
    const auto head = need(log::open_checkpoint(text, log.key()));
    require(head.root == need(log.root_at(head.size)), "the checkpoint is one of this log");
    for (const log::TileId& tile : log::tiles_of(head.size)) {
      const Bytes right =
          need(tile.entries ? log.bundle(tile.n, tile.width) : log.tile(tile.level, tile.n, tile.width));
      require(need(read_file(folder / "public" / log::tile_path(tile), 20u << 20)) == right,
              "every tile that the checkpoint promises is there, whole");
    }
    return head.size;
  };
  const auto size = shown();
  require(size == 250 || size == 700, "the folder shows the old head or the new one");
  require(acknowledged.empty() || size == 700, "nothing acknowledged is lost");
  need(log.publish_tree(folder / "public", silent_progress()));
  require(shown() == 700, "the next call completes it");
}

}  // namespace hz::fault
