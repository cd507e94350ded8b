#include "log/mark.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "base/folders.h"
#include "crypto/hash.h"
#include "log/checkpoint.h"
#include "log/reasons.h"

namespace hz::log {
namespace {

constexpr std::size_t slot_size_bytes = 4096;
constexpr std::size_t sum_at = slot_size_bytes - 32;
constexpr std::string_view magic = "HZMARK1\n";
constexpr std::size_t text_at = 18;

Bytes encode(std::uint64_t sequence, std::string_view checkpoint) {
  HZ_ASSERT(text_at + checkpoint.size() <= sum_at);
  Bytes slot;
  slot.reserve(slot_size_bytes);
  put(slot, as_bytes(magic));
  put_be(slot, sequence);
  put_be(slot, static_cast<std::uint16_t>(checkpoint.size()));
  put(slot, as_bytes(checkpoint));
  slot.resize(sum_at);
  put(slot, crypto::sha256(slot));
  return slot;
}

struct Slot {
  std::uint64_t sequence;
  std::string checkpoint;
};

std::optional<Slot> decode(ByteView slot) {
  if (slot.size() != slot_size_bytes || as_text(slot.first(8)) != magic) return std::nullopt;
  const std::size_t length = get_be<std::uint16_t>(slot.data() + 16);
  const Digest sum = crypto::sha256(slot.first(sum_at));
  if (text_at + length > sum_at || !std::equal(sum.begin(), sum.end(), slot.begin() + sum_at)) return std::nullopt;
  return Slot{get_be<std::uint64_t>(slot.data() + 8), std::string(as_text(slot.subspan(text_at, length)))};
}

}  // namespace

fs::path Mark::path_of(const fs::path& folder, std::string_view origin) {
  return folder / (origin_hash(origin) + ".mark");
}

Result<Mark> Mark::create(const fs::path& path, std::string_view checkpoint) {
  HZ_TRY(create_folder_durably(path.parent_path()));
  Bytes file(2 * slot_size_bytes);
  const Bytes slot = encode(0, checkpoint);
  std::copy(slot.begin(), slot.end(), file.begin());
  HZ_TRY(write_file_durably(path, file));
  return open(path);
}

Result<Mark> Mark::open(const fs::path& path, bool writable) {
  Mark mark;
  mark.path_ = path;
  mark.fd_ = Fd(::open(path.c_str(), (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC));
  if (!mark.fd_ && errno == ENOENT) return fail(why("log.mark_missing"), "{}", path.string());
  if (!mark.fd_) return fail(hz::why("base.read"), "{}: {}", path.string(), std::strerror(errno));
  mark.inode_ = inode_of(path);
  mark.file_ = HZ_TRY(read_file(path, 2 * slot_size_bytes));
  const Bytes& file = mark.file_;
  std::optional<Slot> newest;
  for (std::size_t i = 0; i < 2 && (i + 1) * slot_size_bytes <= file.size(); ++i) {
    auto slot = decode(ByteView(file).subspan(i * slot_size_bytes, slot_size_bytes));
    if (slot && slot->sequence % 2 == i && (!newest || slot->sequence > newest->sequence)) newest = std::move(slot);
  }
  if (!newest) return fail(why("log.mark_missing"), "{}: neither slot is intact", path.string());
  mark.sequence_ = newest->sequence;
  mark.checkpoint_ = std::move(newest->checkpoint);
  return mark;
}

Result<void> Mark::refresh() {
  Bytes now(2 * slot_size_bytes);
  const bool same = inode_of(path_) == inode_ &&
                    ::pread(fd_.get(), now.data(), now.size(), 0) == static_cast<ssize_t>(now.size()) && now == file_;
  if (!same) *this = HZ_TRY(open(path_));
  return {};
}

Result<void> Mark::advance(std::string_view checkpoint) {
  const std::uint64_t next = sequence_ + 1;
  const Bytes slot = encode(next, checkpoint);
  const auto at = static_cast<off_t>(next % 2 * slot_size_bytes);
  const auto n = ::pwrite(fd_.get(), slot.data(), slot.size(), at);
  if (n != static_cast<ssize_t>(slot.size()))
    return fail(hz::why("base.write"), "{}: {}", path_.string(), n < 0 ? std::strerror(errno) : "short write");
  if (::fdatasync(fd_.get()) != 0) return fail(hz::why("base.write"), "{}: {}", path_.string(), std::strerror(errno));
  std::ranges::copy(slot, file_.begin() + at);
  sequence_ = next;
  checkpoint_ = checkpoint;
  return {};
}

}  // namespace hz::log
