// How a blob becomes durable without ever being visible half written.
//
// The obvious way, a named temporary file and rename, leaves litter behind when the process is killed, and litter in a
// folder that several processes share can never be told from a file somebody is still writing. So the bytes go into a
// file without a name (O_TMPFILE): write, fsync, then linkat gives it its name in one step, and a kill before that
// leaves nothing at all. The name is durable once the folder is synced. A blob that exists already may have been linked
// by a process that died before its folder sync, so a repeated put syncs the folders too: cheap when they are clean.
#include "blob/store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/folders.h"
#include "blob/reasons.h"
#include "crypto/hash.h"

namespace hz::blob {
namespace {

std::unexpected<Error> refuse(const fs::path& path, std::string_view step) {
  return fail(why("blob.write"), "{}: {}: {}", path.string(), step, std::strerror(errno));
}

Result<void> sync_folder(const fs::path& folder) {
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return refuse(folder, "open");
  if (::fsync(fd.get()) != 0) return refuse(folder, "fsync");
  return {};
}

Result<void> write_all(int fd, ByteView bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const auto n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return refuse(path, "write");
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

}  // namespace

Result<Store> Store::open(const fs::path& folder) {
  HZ_TRY(create_folder_durably(folder));
  return Store(folder);
}

fs::path Store::path(const Digest& digest) const {
  const std::string name = hex(digest);
  return folder_ / name.substr(0, 2) / name.substr(2);
}

bool Store::has(const Digest& digest) const {
  struct stat info{};
  return ::stat(path(digest).c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

Result<Digest> Store::put(ByteView bytes) {
  const Digest digest = crypto::sha256(bytes);
  const fs::path file = path(digest);
  const fs::path shelf = file.parent_path();
  if (::mkdir(shelf.c_str(), 0755) != 0 && errno != EEXIST) return refuse(shelf, "mkdir");

  struct stat info{};
  const bool known = ::stat(file.c_str(), &info) == 0;
  if (known && static_cast<std::uint64_t>(info.st_size) != bytes.size())
    return fail(why("blob.corrupt"), "{}: {} bytes on disk, {} expected", file.string(), info.st_size, bytes.size());
  if (!known) {
    const Fd fd(::open(shelf.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0444));
    if (fd) {
      HZ_TRY(write_all(fd.get(), bytes, file));
      if (::fsync(fd.get()) != 0) return refuse(file, "fsync");
      const std::string unnamed = fmt::format("/proc/self/fd/{}", fd.get());
      if (::linkat(AT_FDCWD, unnamed.c_str(), AT_FDCWD, file.c_str(), AT_SYMLINK_FOLLOW) != 0 && errno != EEXIST)
        return refuse(file, "linkat");
    } else if (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT) {
      // A file system without unnamed files: the named temporary is the second best.
      if (auto written = write_file_durably(file, bytes, 0444); !written)
        return fail(why("blob.write"), "{}", written.error().detail);
    } else {
      return refuse(shelf, "open");
    }
  }
  HZ_TRY(sync_folder(shelf));
  HZ_TRY(sync_folder(folder_));
  return digest;
}

Result<void> Store::put_all(std::span<const Bytes> blobs) {
  constexpr std::size_t worth_it = 4, open_max = 256;
  if (blobs.size() < worth_it) {
    for (const Bytes& bytes : blobs) HZ_TRY(put(bytes));
    return {};
  }
  const Fd folder(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return refuse(folder_, "open");
  for (; !blobs.empty(); blobs = blobs.subspan(std::min(open_max, blobs.size()))) {
    std::vector<std::pair<Fd, fs::path>> unnamed;
    for (const Bytes& bytes : blobs.first(std::min(open_max, blobs.size()))) {
      const fs::path file = path(crypto::sha256(bytes));
      const fs::path shelf = file.parent_path();
      if (::mkdir(shelf.c_str(), 0755) != 0 && errno != EEXIST) return refuse(shelf, "mkdir");
      struct stat info{};
      if (::stat(file.c_str(), &info) == 0 && static_cast<std::uint64_t>(info.st_size) == bytes.size()) continue;
      Fd fd(::open(shelf.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0444));
      if (!fd) {  // a file system without unnamed files, or a damaged blob: the slow way says what is wrong
        HZ_TRY(put(bytes));
        continue;
      }
      HZ_TRY(write_all(fd.get(), bytes, file));
      unnamed.emplace_back(std::move(fd), file);
    }
    if (::syncfs(folder.get()) != 0) return refuse(folder_, "syncfs");
    for (const auto& [fd, file] : unnamed) {
      const std::string from = fmt::format("/proc/self/fd/{}", fd.get());
      if (::linkat(AT_FDCWD, from.c_str(), AT_FDCWD, file.c_str(), AT_SYMLINK_FOLLOW) != 0 && errno != EEXIST)
        return refuse(file, "linkat");
    }
  }
  if (::syncfs(folder.get()) != 0) return refuse(folder_, "syncfs");
  return {};
}

Result<void> Store::erase(const Digest& digest) {
  const fs::path file = path(digest);
  if (::unlink(file.c_str()) != 0) {
    if (errno == ENOENT) return {};
    return refuse(file, "unlink");
  }
  return sync_folder(file.parent_path());
}

Result<Bytes> Store::get(const Digest& digest, std::size_t size_max) const {
  if (!has(digest)) return fail(why("blob.missing"), "{}", hex(digest));
  Bytes bytes = HZ_TRY(read_file(path(digest), size_max));
  const Digest found = crypto::sha256(bytes);
  if (found != digest) return fail(why("blob.corrupt"), "{}: the bytes hash to {}", path(digest).string(), hex(found));
  return bytes;
}

}  // namespace hz::blob
