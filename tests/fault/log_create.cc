// Creating a log: cut short anywhere, it can be created again, or is there.
#include <algorithm>

#include "log_story.h"

namespace hz::fault {

void prepare(const fs::path& folder) { fs::create_directories(folder); }

void run(const fs::path& folder) {
  need(log::Log::create(folder / "log", folder / "mark", log_name, log_key()));
  acknowledge("created");
}

void verify(const fs::path& folder, const std::string& acknowledged) {
  if (acknowledged.find("created") == std::string::npos)
    need(log::Log::create(folder / "log", folder / "mark", log_name, log_key()));
  auto log = open_log(folder);
  require(log.head().size == 0, "a new log is empty");
  need(log.append(log_entries(0, 3)));
  require_log(log);
}

}  // namespace hz::fault
