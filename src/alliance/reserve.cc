#include "alliance/reserve.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace hz::alliance {
namespace {
fs::path file_of(const fs::path& home) { return home / "reserve"; }
}  // namespace

Reserve keep_reserve(const fs::path& home) {
  const fs::path path = file_of(home);
  struct stat s{};
  if (::stat(path.c_str(), &s) == 0 && static_cast<std::uint64_t>(s.st_size) == reserve_size_bytes)
    return Reserve::there;
  struct statvfs room{};
  if (::statvfs(home.c_str(), &room) != 0 || room.f_bavail * room.f_frsize < 2 * reserve_size_bytes)
    return Reserve::no_room;
  // Under its name only when it is whole: a crash leaves a file that the next call overwrites.
  const fs::path next = path.string() + ".new";
  const Fd fd(::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd || ::posix_fallocate(fd.get(), 0, static_cast<off_t>(reserve_size_bytes)) != 0 || ::fsync(fd.get()) != 0 ||
      ::rename(next.c_str(), path.c_str()) != 0) {
    ::unlink(next.c_str());
    return Reserve::no_room;
  }
  return Reserve::made;
}

bool release_reserve(const fs::path& home) { return ::unlink(file_of(home).c_str()) == 0; }

}  // namespace hz::alliance
