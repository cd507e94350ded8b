// Figure http: requests a second of a trivial handler over kept connections on loopback, and processor time a request.
//   value: hezong's server, one I/O thread and its workers, in a process of its own
//   peer:  nginx (one worker, `return 200`), by the same client in the same run; nginx answers on its event loop, while
//          our handlers run on workers, so the ratio is the price of handlers that may block
#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <optional>

#include "base/fs.h"
#include "net/server.h"

using namespace hz;
using Steady = std::chrono::steady_clock;

namespace {

constexpr int connections = 32;
constexpr std::chrono::milliseconds measured{3000};
constexpr std::string_view request = "GET /bench HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n";

struct Process {
  pid_t pid = -1;
  std::uint16_t port = 0;
  ~Process() {
    if (pid <= 0) return;
    ::kill(pid, SIGTERM);
    ::waitpid(pid, nullptr, 0);
  }
};

std::optional<Fd> connect_to(std::uint16_t port) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) return std::nullopt;
  return fd;
}

std::uint16_t free_port() {
  const Fd fd(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) return 0;
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&at), &size);
  return ntohs(at.sin_port);
}

Process start_hezong() {
  int ready[2];
  if (::pipe(ready) != 0) return {};
  Process out;
  out.pid = ::fork();
  if (out.pid == 0) {
    auto server = net::Server::start({}, {[](const http::Request&) -> http::Response {
                                       return {.headers = {{"content-type", "text/plain"}}, .body = "hello, world\n"};
                                     }});
    const std::uint16_t port = server ? server->port() : 0;
    if (::write(ready[1], &port, sizeof port) != sizeof port) ::_exit(1);
    for (;;) ::pause();
  }
  if (::read(ready[0], &out.port, sizeof out.port) != sizeof out.port) out.port = 0;
  ::close(ready[0]);
  ::close(ready[1]);
  return out;
}

Process start_nginx(const fs::path& folder) {
  const char* binary = "/usr/sbin/nginx";
  if (::access(binary, X_OK) != 0) return {};
  Process out{.pid = -1, .port = free_port()};
  std::ofstream(folder / "nginx.conf") << fmt::format(
      "daemon off; master_process off; worker_processes 1; pid {0}/pid; error_log {0}/error.log;\n"
      "events {{ worker_connections 256; }}\n"
      "http {{ access_log off; keepalive_requests 1000000000; client_body_temp_path {0}/b; proxy_temp_path {0}/p;\n"
      "fastcgi_temp_path {0}/f; uwsgi_temp_path {0}/u; scgi_temp_path {0}/s; default_type text/plain;\n"
      "server {{ listen 127.0.0.1:{1}; location / {{ return 200 \"hello, world\\n\"; }} }} }}\n",
      folder.string(), out.port);
  out.pid = ::fork();
  if (out.pid == 0) {
    const int null = ::open("/dev/null", O_WRONLY);
    ::dup2(null, 2);
    ::execl(binary, binary, "-p", folder.c_str(), "-c", (folder / "nginx.conf").c_str(), "-e",
            (folder / "error.log").c_str(), nullptr);
    ::_exit(127);
  }
  const auto start = Steady::now();
  while (!connect_to(out.port)) {
    if (::waitpid(out.pid, nullptr, WNOHANG) == out.pid || Steady::now() - start > std::chrono::seconds(5)) {
      out.pid = -1;
      return out;
    }
    ::poll(nullptr, 0, 10);
  }
  return out;
}

double cpu_seconds(pid_t pid) {
  std::ifstream in(fmt::format("/proc/{}/stat", pid));
  std::string word;
  double ticks = 0;
  for (int i = 1; in >> word; ++i)
    if (i == 14 || i == 15) ticks += std::stod(word);
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

struct Load {
  double per_second = 0;
  double cpu_us = 0;  // of the server, a request
};

// Every connection asks, reads its answer, asks again. One thread; the client's own cost is the same for both servers.
std::optional<Load> measure(const Process& server) {
  std::vector<Fd> fds;
  std::vector<pollfd> polls;
  for (int i = 0; i < connections; ++i) {
    auto fd = connect_to(server.port);
    if (!fd) return std::nullopt;
    polls.push_back({fd->get(), POLLIN, 0});
    fds.push_back(*std::move(fd));
  }
  for (const Fd& fd : fds)
    if (::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return std::nullopt;
  std::uint64_t answers = 0, at_start = 0;
  double cpu_at_start = 0;
  auto start = Steady::now();
  bool warm = false;
  for (;;) {
    const auto now = Steady::now();
    if (!warm && now - start > std::chrono::milliseconds(500)) {
      warm = true;
      start = now;
      at_start = answers;
      cpu_at_start = cpu_seconds(server.pid);
    }
    if (warm && now - start > measured) break;
    if (::poll(polls.data(), polls.size(), 2000) <= 0) return std::nullopt;
    for (const pollfd& p : polls) {
      if (!p.revents) continue;
      char answer[4096];
      const auto n = ::recv(p.fd, answer, sizeof answer, 0);
      if (n <= 0 || std::string_view(answer, 12) != "HTTP/1.1 200") return std::nullopt;
      ++answers;  // the answer is small: it comes in one piece on loopback
      if (::send(p.fd, request.data(), request.size(), MSG_NOSIGNAL) < 0) return std::nullopt;
    }
  }
  const double seconds = std::chrono::duration<double>(Steady::now() - start).count();
  const double n = static_cast<double>(answers - at_start);
  return Load{n / seconds, (cpu_seconds(server.pid) - cpu_at_start) * 1e6 / n};
}

}  // namespace

int main() {
  const TempDir temp;
  std::optional<Load> ours, peer;
  {
    const Process hezong = start_hezong();
    if (hezong.port) ours = measure(hezong);
  }
  if (!ours) {
    fmt::print("the server did not answer\n");
    return 1;
  }
  {
    const Process nginx = start_nginx(temp.path());
    if (nginx.pid > 0) peer = measure(nginx);
  }
  fmt::print("hezong  {:8.0f} requests/s  {:5.1f} us of processor time each, {} connections\n", ours->per_second,
             ours->cpu_us, connections);
  if (peer)
    fmt::print("nginx   {:8.0f} requests/s  {:5.1f} us of processor time each\n", peer->per_second, peer->cpu_us);
  else
    fmt::print("nginx   SKIPPED: not on this machine (Debian package nginx-light)\n");
  fmt::print(
      "{{\"id\":\"http\",\"value\":{:.0f},\"unit\":\"requests/s\",\"cpu_us\":{:.1f},\"peer\":{},\"peer_cpu_us\":{},"
      "\"ratio\":{},\"ok\":true}}\n",
      ours->per_second, ours->cpu_us, peer ? fmt::format("{:.0f}", peer->per_second) : "null",
      peer ? fmt::format("{:.1f}", peer->cpu_us) : "null",
      peer ? fmt::format("{:.2f}", ours->per_second / peer->per_second) : "null");
  return 0;
}
