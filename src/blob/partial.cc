// Unlike a put or an upload, the bytes need a name before they are whole: it is what the next process finds. So a
// partial file has an owner, by a lock that ends with its process, and its own folder, and becomes the blob by rename.
#include "blob/partial.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/folders.h"
#include "blob/reasons.h"

namespace hz::blob {
namespace {

std::unexpected<Error> refuse(const fs::path& path, std::string_view step) {
  return fail(why("blob.write"), "{}: {}: {}", path.string(), step, std::strerror(errno));
}
fs::path root_of(const Store& store) { return store.path({}).parent_path().parent_path(); }

Result<void> sync_folder(const fs::path& folder) {
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return refuse(folder, "fsync");
  return {};
}

}  // namespace

fs::path Partial::path() const { return root_of(store_) / "partial" / hex(digest_); }

Result<Partial> Partial::open(const Store& store, const Digest& digest) {
  Partial out(store, digest, Fd());
  const fs::path file = out.path();
  if (const auto made = create_folder_durably(file.parent_path()); !made)
    return fail(why("blob.write"), "{}", made.error().detail);
  for (;;) {
    out.fd_ = Fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!out.fd_) return refuse(file, "open");
    if (::flock(out.fd_.get(), LOCK_EX | LOCK_NB) != 0) return fail(why("blob.busy"), "{}", hex(digest));
    // Between open and lock another process may have published it: then this is the blob itself.
    struct stat named{}, opened{};
    if (::fstat(out.fd_.get(), &opened) != 0) return refuse(file, "stat");
    if (::stat(file.c_str(), &named) == 0 && named.st_ino == opened.st_ino && named.st_dev == opened.st_dev) break;
  }
  Bytes piece(1u << 20);
  for (;;) {
    const auto n = ::read(out.fd_.get(), piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return refuse(file, "read");
    if (n == 0) return out;
    out.hash_.update(ByteView(piece).first(static_cast<std::size_t>(n)));
    out.size_bytes_ += static_cast<std::uint64_t>(n);
  }
}

Result<void> Partial::write(ByteView bytes) {
  for (ByteView rest = bytes; !rest.empty();) {
    const auto n = ::write(fd_.get(), rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int error = errno;
      // What is on disk stays what was counted and hashed.
      if (::ftruncate(fd_.get(), static_cast<off_t>(size_bytes_)) == 0)
        ::lseek(fd_.get(), static_cast<off_t>(size_bytes_), SEEK_SET);
      errno = error;
      return refuse(path(), "write");
    }
    rest = rest.subspan(static_cast<std::size_t>(n));
  }
  hash_.update(bytes);
  size_bytes_ += bytes.size();
  return {};
}

Result<void> Partial::restart() {
  if (::ftruncate(fd_.get(), 0) != 0 || ::lseek(fd_.get(), 0, SEEK_SET) != 0) return refuse(path(), "truncate");
  hash_ = crypto::Sha256();
  size_bytes_ = 0;
  return {};
}

bool Partial::verify() const { return crypto::Sha256(hash_).finish() == digest_; }

Result<void> Partial::publish() {
  if (!verify())
    return fail(why("blob.digest"), "{} bytes hash to {}, announced as {}", size_bytes_,
                hex(crypto::Sha256(hash_).finish()), hex(digest_));
  const fs::path file = store_.path(digest_), shelf = file.parent_path();
  if (::mkdir(shelf.c_str(), 0755) != 0 && errno != EEXIST) return refuse(shelf, "mkdir");
  if (::fchmod(fd_.get(), 0444) != 0 || ::fsync(fd_.get()) != 0) return refuse(path(), "fsync");
  if (::rename(path().c_str(), file.c_str()) != 0) return refuse(file, "rename");
  fd_.reset();
  HZ_TRY(sync_folder(shelf));
  return sync_folder(root_of(store_));
}

}  // namespace hz::blob
