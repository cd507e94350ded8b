// Files, read with a limit and written so that a crash leaves the old or the new content, never half.
#pragma once
#include <filesystem>

#include "base/bytes.h"

namespace hz {

namespace fs = std::filesystem;

// The whole file. Errors: base.read (path and errno text), base.too_large (path, size, limit).
Result<Bytes> read_file(const fs::path& path, std::size_t size_max);
Result<std::string> read_text(const fs::path& path, std::size_t size_max);  // also base.utf8

// Temp file beside the target, write, fsync, rename, fsync of the folder. Errors: base.write.
Result<void> write_file_durably(const fs::path& path, ByteView content, int mode = 0644);

// An owned file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~Fd() { reset(); }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

// A folder under the system's temporary folder, removed with everything in it when the object ends. For tests and
// scratch work.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(TempDir&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TempDir& operator=(TempDir&&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

}  // namespace hz
