// The high-water mark: the newest head this member ever acknowledged, kept in a second folder so that a restored backup
// or a cloned machine does not sign a second history. Format: docs/formats/log.md, mark file.
#pragma once
#include <string>

#include "base/inode.h"

namespace hz::log {

class Mark {
 public:
  static fs::path path_of(const fs::path& folder, std::string_view origin);
  // Writes a new mark file, replacing any. Errors: base.write.
  static Result<Mark> create(const fs::path& path, std::string_view checkpoint);
  // Errors: log.mark_missing when the file is absent or no slot of it is intact; base.read.
  static Result<Mark> open(const fs::path& path, bool writable = true);

  // What another process may have written since. Two system calls when it wrote nothing. Errors: as open.
  Result<void> refresh();
  // The signed checkpoint of the mark; the caller verifies it.
  const std::string& checkpoint() const { return checkpoint_; }
  // Durable on return: one write into the older of two slots, then fdatasync. A crash in between leaves the newer slot.
  // Errors: base.write.
  Result<void> advance(std::string_view checkpoint);

 private:
  fs::path path_;
  Fd fd_;
  Inode inode_;
  Bytes file_;  // both slots, as read or written last
  std::uint64_t sequence_ = 0;
  std::string checkpoint_;
};

}  // namespace hz::log
