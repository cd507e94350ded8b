// What a server was refused because its room denies it: files that cannot be opened, hosts that cannot be reached.
#pragma once
#include <string>

#include "base/fields.h"

namespace hz::sandbox {

struct Refusal {
  std::string what;      // "file" or "network"
  std::string name;      // path as it was asked for; host name or address, and port
  std::string process;   // its name, as the kernel has it
  std::int64_t pid = 0;  // inside the room
  bool operator==(const Refusal&) const = default;
  static constexpr auto fields() {
    return rows(row("what", &Refusal::what, "file or network"), row("name", &Refusal::name, "path, or host and port"),
                row("process", &Refusal::process, "name of the process that asked", or_default),
                row("pid", &Refusal::pid, "its number inside the room", or_default));
  }
  // "/usr/lib/x.so was refused to process 2 (oip-host)"
  std::string text() const {
    return fmt::format("{} was refused to process {}{}", name, pid, process.empty() ? "" : " (" + process + ")");
  }
};

}  // namespace hz::sandbox
