// The first process inside a jail (jail.h). Runs in a process of its own; never returns.
#pragma once
#include <sys/types.h>

#include "sandbox/jail.h"

namespace hz::sandbox {

struct WarderPlan {
  const JailSpec* spec;
  std::vector<std::pair<fs::path, fs::path>> shown;  // of read_paths: where it appears, and where it really is
  bool namespaces;                                   // it was born in new ones
  uid_t user;                                        // what the server runs as, inside and outside
  gid_t group;
  bool change_user;       // the keeper is root
  bool limit_by_process;  // no control group: rlimits instead
  int go;                 // readable once the id maps are written
  int control;            // at end of file the keeper is gone
  int report;             // lines for the keeper: "failed <what>", "runs", "listens", "ended <how>"
  int output;             // what the server prints
  int listener;           // outer socket
};
[[noreturn]] void watch_over(const WarderPlan& plan);

}  // namespace hz::sandbox
