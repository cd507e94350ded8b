#include "blob/stream.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "blob/reasons.h"

namespace hz::blob {
namespace {

std::unexpected<Error> refuse(const fs::path& path, std::string_view step) {
  return fail(why("blob.write"), "{}: {}: {}", path.string(), step, std::strerror(errno));
}

class FileSource final : public http::Source {
 public:
  FileSource(Fd fd, std::uint64_t size, const Digest& digest) : fd_(std::move(fd)), size_(size), digest_(digest) {}
  std::uint64_t size() const override { return size_; }
  Result<void> read(std::uint64_t offset, std::span<std::uint8_t> out) override {
    for (std::size_t done = 0; done < out.size();) {
      const auto n = ::pread(fd_.get(), out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return fail(why("blob.corrupt"), "{} ends at {}", hex(digest_), offset + done);
      done += static_cast<std::size_t>(n);
    }
    if (offset != hashed_) return {};  // not in order: no judgement
    hash_.update(out);
    hashed_ += out.size();
    if (hashed_ == size_ && hash_.finish() != digest_) return fail(why("blob.corrupt"), "{}", hex(digest_));
    return {};
  }

 private:
  Fd fd_;
  std::uint64_t size_;
  Digest digest_;
  crypto::Sha256 hash_;
  std::uint64_t hashed_ = 0;
};

fs::path root_of(const Store& store) { return store.path({}).parent_path().parent_path(); }

Result<void> sync_folder(const fs::path& folder) {
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return refuse(folder, "fsync");
  return {};
}

}  // namespace

Result<std::shared_ptr<http::Source>> open_source(const Store& store, const Digest& digest) {
  Fd fd(::open(store.path(digest).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  struct stat info{};
  if (!fd || ::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode))
    return fail(why("blob.missing"), "{}", hex(digest));
  return std::make_shared<FileSource>(std::move(fd), static_cast<std::uint64_t>(info.st_size), digest);
}

Result<Intake> Intake::begin(const Store& store) {
  const fs::path root = root_of(store);
  Fd fd(::open(root.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0444));
  if (!fd) return refuse(root, "open");
  return Intake(store, std::move(fd));
}

Result<void> Intake::write(ByteView bytes, std::uint64_t size_bytes_max) {
  if (bytes.size() > size_bytes_max - std::min(size_bytes_, size_bytes_max))
    return fail(hz::why("base.too_large"), "more than {} bytes", size_bytes_max);
  hash_.update(bytes);
  size_bytes_ += bytes.size();
  while (!bytes.empty()) {
    const auto n = ::write(fd_.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return refuse(root_of(store_), "write");
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

Result<bool> Intake::finish(const Digest& expected) {
  const Digest digest = hash_.finish();
  if (digest != expected) return fail(why("blob.digest"), "{}, announced as {}", hex(digest), hex(expected));
  const fs::path file = store_.path(digest), shelf = file.parent_path();
  if (::mkdir(shelf.c_str(), 0755) != 0 && errno != EEXIST) return refuse(shelf, "mkdir");
  if (::fsync(fd_.get()) != 0) return refuse(file, "fsync");
  const std::string unnamed = fmt::format("/proc/self/fd/{}", fd_.get());
  const bool fresh = ::linkat(AT_FDCWD, unnamed.c_str(), AT_FDCWD, file.c_str(), AT_SYMLINK_FOLLOW) == 0;
  if (!fresh && errno != EEXIST) return refuse(file, "linkat");
  HZ_TRY(sync_folder(shelf));
  HZ_TRY(sync_folder(root_of(store_)));
  return fresh;
}

}  // namespace hz::blob
