#include "node/served.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace hz::node {
namespace {

constexpr std::size_t file_size_bytes_max = 256u << 20;

std::string key_of(const ServedRow& row) {
  std::string out = fmt::format("{} {} {}", row.reader, row.statement, row.given);
  for (const std::string& reason : row.reasons) out += "\n" + reason;
  return out;
}

}  // namespace

std::vector<ServedRow> ServedLog::read(const fs::path& file) {
  std::vector<ServedRow> out;
  const auto text = read_text(file, file_size_bytes_max);
  if (!text) return out;
  for (std::size_t at = 0; at < text->size();) {
    const std::size_t end = std::min(text->find('\n', at), text->size());
    if (const auto value = json::parse(std::string_view(*text).substr(at, end - at)))
      if (auto row = from_json<ServedRow>(*value)) out.push_back(*std::move(row));
    at = end + 1;
  }
  return out;
}

ServedLog::ServedLog(fs::path file) : file_(std::move(file)) {
  for (const ServedRow& row : read(file_)) said_.insert(key_of(row));
}

void ServedLog::note(ServedRow row) {
  const std::lock_guard turn(turn_);
  if (said_.insert(key_of(row)).second) pending_ += json::dump(to_json(row)) + "\n";
}

Result<void> ServedLog::flush() {
  const std::lock_guard turn(turn_);
  if (pending_.empty()) return {};
  const Fd fd(::open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  const auto n = fd ? ::write(fd.get(), pending_.data(), pending_.size()) : -1;
  // A line cut short by a full disk is none, and the same answer is noted again by the next process.
  if (n != static_cast<ssize_t>(pending_.size()) || ::fdatasync(fd.get()) != 0)
    return fail(hz::why("base.write"), "{}: {}", file_.string(), std::strerror(errno));
  pending_.clear();
  return {};
}

}  // namespace hz::node
