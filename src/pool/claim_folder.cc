#include "pool/claim_folder.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

namespace hz::pool {
namespace {

constexpr std::size_t file_bytes_max = 1 << 20, log_bytes_max = 256u << 10;

template <class T>
Result<std::optional<T>> read_record(const fs::path& path) {
  std::error_code error;
  if (!fs::exists(path, error)) return std::nullopt;
  const std::string text = HZ_TRY(read_text(path, file_bytes_max));
  auto document = json::parse(text, {.size_bytes_max = file_bytes_max, .depth_max = 8});
  if (!document) return within(path.string(), std::move(document).error());
  auto record = from_json<T>(*document);
  if (!record) return within(path.string(), std::move(record).error());
  return std::optional<T>(*std::move(record));
}

template <class T>
std::string text_of(const T& record) {
  return json::pretty(to_json(record)) + "\n";
}

std::string boot_id() {
  std::string out = read_text("/proc/sys/kernel/random/boot_id", 128).value_or("unknown");
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

}  // namespace

Result<void> replace_file(const fs::path& path, std::string_view text) {
  const fs::path fresh = fmt::format("{}.{}.new", path.string(), ::getpid());
  const Fd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd || ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      ::rename(fresh.c_str(), path.c_str()) != 0)
    return fail(hz::why("base.write"), "{}: {}", path.string(), std::strerror(errno));
  return {};
}

std::optional<KeeperId> identify_process(std::int64_t pid) {
  const auto stat = read_text(fmt::format("/proc/{}/stat", pid), 4096);
  if (!stat) return std::nullopt;
  // "pid (name) state ppid ...": the name may hold anything, so count from its end. The start time is field 22.
  const std::size_t name_end = stat->rfind(") ");
  if (name_end == std::string::npos || name_end + 2 >= stat->size()) return std::nullopt;
  const char state = (*stat)[name_end + 2];
  if (state == 'Z' || state == 'X') return std::nullopt;
  std::size_t at = name_end + 2;
  for (int field = 3; field < 22 && at != std::string::npos; ++field) at = stat->find(' ', at + 1);
  if (at == std::string::npos) return std::nullopt;
  KeeperId out{.pid = pid, .boot = boot_id()};
  std::from_chars(stat->data() + at + 1, stat->data() + stat->size(), out.start_ticks);
  return out;
}

bool is_alive(const KeeperId& keeper) {
  const auto now = identify_process(keeper.pid);
  return now && *now == keeper;
}

bool send_signal(const KeeperId& keeper, int signal) {
  // The descriptor holds on to a process, not to a number; whose it is is looked at after it is held.
  const Fd held(static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(keeper.pid), 0)));
  return held && is_alive(keeper) && ::syscall(SYS_pidfd_send_signal, held.get(), signal, nullptr, 0) == 0;
}

Result<std::optional<KeptJob>> ClaimFolder::request() const { return read_record<KeptJob>(folder_ / "request.json"); }
Result<std::optional<Observed>> ClaimFolder::state() const { return read_record<Observed>(folder_ / "state.json"); }
Result<std::optional<KeeperId>> ClaimFolder::keeper() const { return read_record<KeeperId>(folder_ / "keeper.json"); }
Result<std::optional<JobUsage>> ClaimFolder::usage() const { return read_record<JobUsage>(folder_ / "usage.json"); }
bool ClaimFolder::is_cancelled() const {
  std::error_code error;
  return fs::exists(folder_ / "cancelled", error);
}

Result<void> ClaimFolder::write_request(const KeptJob& kept) const {
  return write_file_durably(folder_ / "request.json", as_bytes(text_of(kept)));
}
Result<void> ClaimFolder::note_request(const KeptJob& kept) const {
  return replace_file(folder_ / "request.json", text_of(kept));
}
Result<void> ClaimFolder::write_state(const Observed& state) const {
  return write_file_durably(folder_ / "state.json", as_bytes(text_of(state)));
}
Result<void> ClaimFolder::write_keeper(const KeeperId& keeper) const {
  return replace_file(folder_ / "keeper.json", text_of(keeper));
}
Result<void> ClaimFolder::write_usage(const JobUsage& usage) const {
  return replace_file(folder_ / "usage.json", text_of(usage));
}
Result<void> ClaimFolder::mark_cancelled() const { return write_file_durably(folder_ / "cancelled", {}); }

void ClaimFolder::append_log(std::string_view text) const {
  const fs::path path = folder_ / "log";
  std::error_code error;
  if (const auto size = fs::file_size(path, error); !error && size > log_bytes_max) {
    const Bytes old = read_file(path, log_bytes_max * 8).value_or(Bytes{});
    const std::size_t kept = std::min(old.size(), log_bytes_max / 2);
    (void)replace_file(path, as_text(ByteView(old).last(kept)));
  }
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (text.size() > log_bytes_max) text = text.substr(text.size() - log_bytes_max);
  if (fd) [[maybe_unused]]
    const auto n = ::write(fd.get(), text.data(), text.size());
}

std::string ClaimFolder::log_end(std::size_t bytes_max) const {
  const Bytes all = read_file(folder_ / "log", log_bytes_max * 8).value_or(Bytes{});
  std::string out(as_text(ByteView(all).last(std::min(all.size(), bytes_max))));
  for (char& c : out)
    if ((c < 0x20 && c != '\n') || static_cast<unsigned char>(c) >= 0x7f) c = '?';
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

}  // namespace hz::pool
