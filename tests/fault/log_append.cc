// Two batches: one that completes a tile (250 to 260) and one small one.
#include <algorithm>

#include "log_story.h"

namespace hz::fault {
namespace {
constexpr std::uint64_t ends[] = {250, 260, 263};
}

void prepare(const fs::path& folder) {
  auto log = need(log::Log::create(folder / "log", folder / "mark", log_name, log_key()));
  need(log.append(log_entries(0, ends[0])));
}

void run(const fs::path& folder) {
  auto log = open_log(folder);
  for (std::size_t i = 1; i < std::size(ends); ++i) {
    need(log.append(log_entries(ends[i - 1], ends[i])));
    acknowledge(std::to_string(log.head().size));
  }
}

void verify(const fs::path& folder, const std::string& acknowledged) {
  std::uint64_t acked = ends[0];
  for (const auto end : ends)
    if (acknowledged.find(std::to_string(end) + "\n") != std::string::npos) acked = end;
  auto log = open_log(folder);
  const auto size = log.head().size;
  require(size >= acked, "nothing acknowledged is lost");
  require(std::ranges::find(ends, size) != std::end(ends), "a batch is there whole or not at all");
  require_log(log);
  // The client repeats what it got no answer to: old places for what is there, the same places for the rest.
  const auto again = need(log.append(log_entries(ends[0], ends[2])));
  for (std::uint64_t i = 0; i < again.size(); ++i) {
    require(again[i].index == ends[0] + i, "a repeat finds its place");
    require(again[i].repeated == (ends[0] + i < size), "only what is there is a repeat");
  }
  require_log(log);
  log = need(log::Log::open_reader(folder / "log", log::Check::leaves, folder / "mark"));
  require(log.head().size == ends[2], "the mark and the head agree afterwards");
}

}  // namespace hz::fault
