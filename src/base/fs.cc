#include "base/fs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace hz {

void Fd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

Result<Bytes> read_file(const fs::path& path, std::size_t size_max) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail(why("base.read"), "{}: {}", path.string(), std::strerror(errno));
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return fail(why("base.read"), "{}: {}", path.string(), std::strerror(errno));
  if (S_ISDIR(info.st_mode)) return fail(why("base.read"), "{}: is a folder", path.string());
  if (static_cast<std::uint64_t>(info.st_size) > size_max)
    return fail(why("base.too_large"), "{}: {} bytes, limit {}", path.string(), info.st_size, size_max);
  // Files under /proc and pipes state size 0, so read to the end rather than trusting the size.
  Bytes out(static_cast<std::size_t>(info.st_size) + 1);
  std::size_t done = 0;
  for (;;) {
    if (done == out.size()) out.resize(out.size() * 2 + 4096);
    const auto n = ::read(fd.get(), out.data() + done, out.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(why("base.read"), "{}: {}", path.string(), std::strerror(errno));
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
    if (done > size_max) return fail(why("base.too_large"), "{}: more than {} bytes", path.string(), size_max);
  }
  out.resize(done);
  return out;
}

Result<std::string> read_text(const fs::path& path, std::size_t size_max) {
  const Bytes bytes = HZ_TRY(read_file(path, size_max));
  if (!valid_utf8(as_text(bytes))) return fail(why("base.utf8"), "{}", path.string());
  return std::string(as_text(bytes));
}

Result<void> write_file_durably(const fs::path& path, ByteView content, int mode) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  std::string temp = path.string() + ".XXXXXX";
  Fd fd(::mkostemp(temp.data(), O_CLOEXEC));
  if (!fd) return fail(why("base.write"), "{}: {}", path.string(), std::strerror(errno));
  const auto refuse = [&] {
    const int saved = errno;
    ::unlink(temp.c_str());
    return fail(why("base.write"), "{}: {}", path.string(), std::strerror(saved));
  };
  if (::fchmod(fd.get(), static_cast<mode_t>(mode)) != 0) return refuse();
  std::size_t done = 0;
  while (done < content.size()) {
    const auto n = ::write(fd.get(), content.data() + done, content.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return refuse();
    done += static_cast<std::size_t>(n);
  }
  if (::fsync(fd.get()) != 0) return refuse();
  if (::rename(temp.c_str(), path.c_str()) != 0) return refuse();
  const Fd dir(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir || ::fsync(dir.get()) != 0) return fail(why("base.write"), "{}: {}", folder.string(), std::strerror(errno));
  return {};
}

TempDir::TempDir() {
  std::string name = (fs::temp_directory_path() / "hezong.XXXXXX").string();
  HZ_ASSERT(::mkdtemp(name.data()) != nullptr);
  path_ = name;
}

TempDir::~TempDir() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

}  // namespace hz
