#include "power_disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/seams.h"

namespace hz::fault {
namespace {

constexpr std::size_t sector_size_bytes = 512;

struct Change {
  std::uint64_t at;
  std::string bytes;
  bool truncate = false;  // to `at`
};
struct File {
  std::string durable;
  std::vector<Change> pending;
};
using Names = std::map<std::string, ino_t>;  // of one folder: name -> inode

struct Disk {
  fs::path root;
  SeededRng rng{0};
  std::uint64_t cut = 0, calls = 0;
  std::map<ino_t, File> files;
  std::map<ino_t, std::pair<fs::path, Names>> folders;
  std::set<ino_t> held;  // files that were written
};
Disk* disk = nullptr;
std::recursive_mutex mutex;

ino_t inode(const fs::path& path) {
  struct stat info{};
  return ::lstat(path.c_str(), &info) == 0 ? info.st_ino : 0;
}

// Files and folders are told apart by inode, and the kernel gives the inode of a removed file to the next new one. An
// open descriptor keeps it from doing so; each is left open until the process ends. O_PATH, since closing a descriptor
// of a database would drop its locks, and this kind holds none.
void hold(const fs::path& path) {
  if (::open(path.c_str(), O_PATH | O_CLOEXEC) < 0) _exit(99);
}

std::string content(const fs::path& path) {
  std::string out;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return out;
  char buffer[65536];
  for (ssize_t n; (n = ::read(fd, buffer, sizeof buffer)) > 0;) out.append(buffer, static_cast<std::size_t>(n));
  ::close(fd);
  return out;
}

Names names_of(const fs::path& folder) {
  Names out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) out[entry.path().filename()] = inode(entry.path());
  return out;
}

// Names that are remembered, with what they name.
Names held_names_of(const fs::path& folder) {
  const Names out = names_of(folder);
  for (const auto& [name, unused] : out) hold(folder / name);
  return out;
}

void apply(std::string& to, const Change& change, const std::vector<bool>* sectors = nullptr) {
  if (change.truncate) {
    to.resize(change.at);
    return;
  }
  for (std::size_t i = 0; i < change.bytes.size();) {
    const std::size_t sector = (change.at + i) / sector_size_bytes - change.at / sector_size_bytes;
    const std::size_t size =
        std::min<std::size_t>(sector_size_bytes - (change.at + i) % sector_size_bytes, change.bytes.size() - i);
    if (!sectors || (*sectors)[sector]) {
      if (to.size() < change.at + i + size) to.resize(change.at + i + size);
      to.replace(change.at + i, size, change.bytes, i, size);
    }
    i += size;
  }
}

enum class Luck { all, none, some, torn };

// What the device holds of a file after the cut.
std::string after(const File& file, Luck luck) {
  std::string out = file.durable;
  std::vector<Change> arrived = file.pending;
  if (luck == Luck::none) return out;
  // Reordering matters where writes overlap: two neighbours change places now and then.
  if (luck != Luck::all)
    for (std::size_t i = 1; i < arrived.size(); ++i)
      if (disk->rng.below(8) == 0) std::swap(arrived[i - 1], arrived[i]);
  for (const Change& change : arrived) {
    if (luck != Luck::all && disk->rng.below(2) == 0) continue;
    if (luck != Luck::torn || change.truncate) {
      apply(out, change);
      continue;
    }
    std::vector<bool> sectors(change.bytes.size() / sector_size_bytes + 2);
    for (std::size_t i = 0; i < sectors.size(); ++i) sectors[i] = disk->rng.below(2) == 0;
    apply(out, change, &sectors);
  }
  return out;
}

// One folder as it is found after the cut, into `to`.
void materialize(const fs::path& from, const fs::path& to, Luck luck) {
  fs::create_directories(to);
  const Names now = names_of(from);
  const auto known = disk->folders.find(inode(from));
  const Names before = known == disk->folders.end() ? Names{} : known->second.second;
  Names all = now;
  all.insert(before.begin(), before.end());
  for (const auto& [name, unused] : all) {
    const auto old = before.find(name), fresh = now.find(name);
    const ino_t old_inode = old == before.end() ? 0 : old->second, new_inode = fresh == now.end() ? 0 : fresh->second;
    const bool arrives = luck == Luck::all || (luck != Luck::none && disk->rng.below(2) == 0);
    const ino_t chosen = old_inode == new_inode || arrives ? new_inode : old_inode;
    if (chosen == 0) continue;
    if (chosen == new_inode && fs::is_directory(from / name)) {
      materialize(from / name, to / name, luck);
      continue;
    }
    if (disk->folders.contains(chosen)) continue;  // a folder that was moved away: none of ours is
    const auto file = disk->files.find(chosen);
    const std::string bytes = file == disk->files.end() ? std::string() : after(file->second, luck);
    const int fd = ::open((to / name).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || ::syscall(SYS_write, fd, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) _exit(99);
    struct stat info{};
    if (::stat((from / name).c_str(), &info) == 0) ::fchmod(fd, info.st_mode & 07777);
    ::close(fd);
  }
}

[[noreturn]] void lose_power() {
  Disk* const lost = disk;
  const auto luck = static_cast<Luck>(lost->rng.below(4));
  const fs::path found = lost->root.string() + ".found";
  materialize(lost->root, found, luck);
  disk = nullptr;
  fs::remove_all(lost->root);
  fs::rename(found, lost->root);
  _exit(137);
}

// Counts a call on one of our files; null for pipes and terminals.
bool counts(int fd, struct stat& info) {
  if (!disk || ::fstat(fd, &info) != 0 || !(S_ISREG(info.st_mode) || S_ISDIR(info.st_mode))) return false;
  if (disk->calls == disk->cut) lose_power();
  ++disk->calls;
  if (disk->held.insert(info.st_ino).second) hold(fmt::format("/proc/self/fd/{}", fd));
  return true;
}

void record(ino_t file, std::uint64_t at, const void* bytes, std::size_t size) {
  disk->files[file].pending.push_back({at, std::string(static_cast<const char*>(bytes), size)});
}

int synced(int fd) {
  const std::scoped_lock lock(mutex);
  struct stat info{};
  if (!counts(fd, info)) return static_cast<int>(::syscall(SYS_fsync, fd));
  if (S_ISDIR(info.st_mode)) {
    const fs::path path = fs::read_symlink(fmt::format("/proc/self/fd/{}", fd));
    disk->folders[info.st_ino] = {path, held_names_of(path)};
    return 0;
  }
  File& file = disk->files[info.st_ino];
  for (const Change& change : file.pending) apply(file.durable, change);
  file.pending.clear();
  return 0;
}

// Everything below the root, as the file system's one sync does.
int all_synced(int fd) {
  const std::scoped_lock lock(mutex);
  struct stat info{};
  if (!counts(fd, info)) return static_cast<int>(::syscall(SYS_syncfs, fd));
  for (auto& [unused, file] : disk->files) {
    for (const Change& change : file.pending) apply(file.durable, change);
    file.pending.clear();
  }
  disk->folders[inode(disk->root)] = {disk->root, held_names_of(disk->root)};
  for (const auto& entry : fs::recursive_directory_iterator(disk->root))
    if (entry.is_directory()) disk->folders[inode(entry.path())] = {entry.path(), held_names_of(entry.path())};
  return 0;
}

ssize_t written(int fd, const void* bytes, std::size_t size, off_t at) {
  const std::scoped_lock lock(mutex);
  struct stat info{};
  const bool ours = counts(fd, info);
  const auto n = ::syscall(SYS_pwrite64, fd, bytes, size, at);
  if (ours && n > 0) record(info.st_ino, static_cast<std::uint64_t>(at), bytes, static_cast<std::size_t>(n));
  return n;
}

int cut_to(int fd, off_t size) {
  const std::scoped_lock lock(mutex);
  struct stat info{};
  const bool ours = counts(fd, info);
  const auto status = ::syscall(SYS_ftruncate, fd, size);
  if (ours && status == 0) disk->files[info.st_ino].pending.push_back({static_cast<std::uint64_t>(size), {}, true});
  return static_cast<int>(status);
}

}  // namespace

void power_on(const fs::path& root, std::uint64_t seed, std::uint64_t cut) {
  auto* fresh = new Disk{root, SeededRng(seed), cut, 0, {}, {}, {}};
  // Everything that is there at the start is durable.
  fresh->folders[inode(root)] = {root, held_names_of(root)};
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (entry.is_directory())
      fresh->folders[inode(entry.path())] = {entry.path(), held_names_of(entry.path())};
    else
      fresh->files[inode(entry.path())].durable = content(entry.path());
  }
  disk = fresh;
}

void power_off() { lose_power(); }

std::uint64_t power_calls() { return disk ? disk->calls : 0; }

}  // namespace hz::fault

// libc's names, found before libc's own by this program and by the shared libraries it uses.
extern "C" {
int fsync(int fd) { return hz::fault::synced(fd); }
int syncfs(int fd) noexcept { return hz::fault::all_synced(fd); }
int fdatasync(int fd) { return hz::fault::synced(fd); }
ssize_t pwrite(int fd, const void* bytes, size_t size, off_t at) { return hz::fault::written(fd, bytes, size, at); }
ssize_t pwrite64(int fd, const void* bytes, size_t size, off_t at) { return hz::fault::written(fd, bytes, size, at); }
int ftruncate(int fd, off_t size) noexcept { return hz::fault::cut_to(fd, size); }
int ftruncate64(int fd, off_t size) noexcept { return hz::fault::cut_to(fd, size); }
ssize_t write(int fd, const void* bytes, size_t size) {
  const std::scoped_lock lock(hz::fault::mutex);
  struct stat info{};
  const bool ours = hz::fault::counts(fd, info);
  const off_t at = ours ? ::lseek(fd, 0, SEEK_CUR) : 0;
  const auto n = ::syscall(SYS_write, fd, bytes, size);
  if (ours && n > 0) hz::fault::record(info.st_ino, static_cast<std::uint64_t>(at), bytes, static_cast<std::size_t>(n));
  return n;
}
}
