// Which file a name means just now.
#pragma once
#include <sys/stat.h>

#include <cstdint>
#include <utility>

#include "base/fs.h"

namespace hz {

using Inode = std::pair<std::uint64_t, std::uint64_t>;

// Device and inode; zeros when there is no such file. One system call.
inline Inode inode_of(const fs::path& path) {
  struct stat s{};
  if (::stat(path.c_str(), &s) != 0) return {};
  return {s.st_dev, s.st_ino};
}

}  // namespace hz
