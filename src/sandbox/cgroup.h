// A control group of its own for one job: limits for memory and processes, and what the job used.
//
// Version 2 is one tree, version 1 one tree per controller; many machines of today still mount version 1, some both
// with the controllers in only one. So each controller is taken from wherever it can be written.
#pragma once
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/fs.h"

namespace hz::sandbox {

struct CgroupUsage {
  std::int64_t cpu_ms = 0;
  std::int64_t memory_peak_bytes = 0;
  std::int64_t out_of_memory_kills = 0;
};

class Cgroup {
 public:
  // Below this process's own group (or beside it, where its own may hold no children). `parent` names another place in
  // every tree, "" none. A limit of 0 is none. Errors: sandbox.cgroup (which controller, why), then nothing is left.
  static Result<Cgroup> create(const std::string& name, const std::string& parent, std::uint64_t memory_bytes_max,
                               std::uint64_t pids_max);
  Cgroup(Cgroup&&) = default;
  Cgroup& operator=(Cgroup&&) = default;

  // Errors: sandbox.cgroup.
  Result<void> add(pid_t pid);
  CgroupUsage usage() const;
  // Kills what is in it, until nothing is (at most a second), and removes it. True when it is gone.
  bool end();
  // Removes what a creator that was killed left under this name, where this process would have made it.
  static void remove_left(const std::string& name, const std::string& parent);

 private:
  Cgroup() = default;
  struct Place {
    std::string controller;  // "" for version 2
    fs::path folder;
  };
  const fs::path* folder(std::string_view controller) const;
  int version_ = 2;
  std::vector<Place> places_;
};

// The lines of /proc/self/cgroup and /proc/self/mountinfo as folders to try, best first. Pure; for tests.
std::vector<fs::path> cgroup_parents(std::string_view self_cgroup, std::string_view mountinfo,
                                     std::string_view controller, const std::string& parent);

}  // namespace hz::sandbox
