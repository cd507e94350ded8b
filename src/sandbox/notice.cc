#include "sandbox/notice.h"

#include <arpa/inet.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace hz::sandbox {
namespace {

constexpr std::size_t page_bytes = 4096, path_bytes_max = 4096, told_max = 64;

// Up to `most` bytes of another process; shorter at the first page that cannot be read.
std::string peek(pid_t pid, std::uint64_t address, std::size_t most, bool text) {
  std::string out;
  while (out.size() < most) {
    char page[page_bytes];
    const std::size_t wanted = std::min(most - out.size(), page_bytes - (address + out.size()) % page_bytes);
    const iovec here{page, wanted}, there{reinterpret_cast<void*>(address + out.size()), wanted};
    const auto n = ::process_vm_readv(pid, &here, 1, &there, 1, 0);
    if (n <= 0) break;
    const std::size_t got = static_cast<std::size_t>(n);
    const std::size_t end = text ? std::string_view(page, got).find('\0') : std::string_view::npos;
    out.append(page, std::min(end, got));
    if (end != std::string_view::npos || got < wanted) break;
  }
  return out;
}

std::string printable(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f) c = '?';
  return text;
}

// A notice names the thread.
pid_t process_of(pid_t thread) {
  const std::string status = read_text(fmt::format("/proc/{}/status", thread), 8192).value_or("");
  const std::size_t at = status.find("\nTgid:\t");
  return at == std::string::npos ? thread : static_cast<pid_t>(std::atoi(status.c_str() + at + 7));
}

std::string name_of(pid_t pid) {
  std::string out = read_text(fmt::format("/proc/{}/comm", pid), 64).value_or("");
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return printable(std::move(out));
}

}  // namespace

std::optional<Refusal> Notices::judge(pid_t thread, long call, const std::uint64_t* arguments, int& error) const {
  const pid_t pid = process_of(thread);
  if (call != SYS_connect) {
#if defined(SYS_open)
    const std::uint64_t at = call == SYS_open ? arguments[0] : arguments[1];
#else
    const std::uint64_t at = arguments[1];
#endif
    const std::string path = peek(pid, at, path_bytes_max, true);
    struct stat seen{};
    // Loaders ask with whole paths. Links lead where they lead for the server too: it is the same room.
    if (path.empty() || path.front() != '/' || ::stat(path.c_str(), &seen) != 0 ||
        std::pair(seen.st_dev, seen.st_ino) != mask_)
      return std::nullopt;
    error = EACCES;
    return Refusal{"file", printable(path), name_of(pid), pid};
  }
  const std::string raw = peek(pid, arguments[1], std::min<std::uint64_t>(arguments[2], sizeof(sockaddr_in6)), false);
  if (raw.size() >= sizeof(sockaddr_in)) {
    sockaddr_in to{};
    std::memcpy(&to, raw.data(), sizeof to);
    if (to.sin_family == AF_INET) {
      const std::uint32_t address = ntohl(to.sin_addr.s_addr);
      const auto host = hosts_.find(address);
      if (host == hosts_.end() && address >> 24 == 127) return std::nullopt;  // its own
      char text[INET_ADDRSTRLEN] = "";
      ::inet_ntop(AF_INET, &to.sin_addr, text, sizeof text);
      error = ECONNREFUSED;
      return Refusal{"network", fmt::format("{}:{}", host == hosts_.end() ? text : host->second, ntohs(to.sin_port)),
                     name_of(pid), pid};
    }
  }
  if (raw.size() >= sizeof(sockaddr_in6)) {
    sockaddr_in6 to{};
    std::memcpy(&to, raw.data(), sizeof to);
    if (to.sin6_family == AF_INET6 && !IN6_IS_ADDR_LOOPBACK(&to.sin6_addr)) {
      char text[INET6_ADDRSTRLEN] = "";
      ::inet_ntop(AF_INET6, &to.sin6_addr, text, sizeof text);
      error = ECONNREFUSED;
      return Refusal{"network", fmt::format("[{}]:{}", text, ntohs(to.sin6_port)), name_of(pid), pid};
    }
  }
  return std::nullopt;
}

std::optional<Refusal> Notices::serve() {
  // Larger than any kernel's idea of these.
  alignas(seccomp_notif) std::uint8_t asked[512] = {};
  alignas(seccomp_notif_resp) std::uint8_t answer[512] = {};
  if (::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_RECV, asked) != 0) return std::nullopt;  // it has ended meanwhile
  seccomp_notif in{};
  std::memcpy(&in, asked, sizeof in);
  seccomp_notif_resp out{};
  out.id = in.id;
  int error = 0;
  auto found =
      judge(static_cast<pid_t>(in.pid), in.data.nr, reinterpret_cast<const std::uint64_t*>(in.data.args), error);
  if (error != 0)
    out.error = -error;
  else
    out.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  std::memcpy(answer, &out, sizeof out);
  ::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_SEND, answer);
  if (!found || told_.size() >= told_max || std::ranges::find(told_, *found) != told_.end()) return std::nullopt;
  told_.push_back(*found);
  return found;
}

}  // namespace hz::sandbox
