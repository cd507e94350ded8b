// Bare sockets for tests: what a client or a peer says is exactly the bytes of the test.
#pragma once
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "base/fs.h"

namespace hz::net {

// How long a test waits for what must come before it fails.
inline constexpr int test_patience_ms = 20'000;

// Waits for what the server does on its own thread; fails the test when it does not come.
template <class Condition>
void wait_for(Condition condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(test_patience_ms);
  while (!condition() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  REQUIRE(condition());
}

class TestSocket {
 public:
  explicit TestSocket(Fd fd) : fd_(std::move(fd)) {}
  // Connects to 127.0.0.1. `receive_buffer` > 0 makes the kernel's buffer that small.
  explicit TestSocket(std::uint16_t port, int receive_buffer = 0) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer) ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
  }
  bool connected() const { return connected_; }
  int fd() const { return fd_.get(); }

  // False when the other end has closed.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  // Sends what fits now; the count.
  std::size_t send_some(std::string_view bytes) {
    const auto n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return n > 0 ? static_cast<std::size_t>(n) : 0;
  }
  void shut() { ::shutdown(fd_.get(), SHUT_WR); }
  void close() { fd_.reset(); }
  // Ends the connection with a reset.
  void reset() {
    const linger at_once{1, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
  }

  // True when there are bytes or the end within the time.
  bool readable(int ms) {
    pollfd p{fd_.get(), POLLIN, 0};
    return ::poll(&p, 1, ms) == 1;
  }
  // Reads until the text contains `mark`, or to the end. Fails the test when neither comes in time.
  std::string read_until(std::string_view mark) {
    std::string out;
    out.swap(pending_);
    while (mark.empty() || out.find(mark) == std::string::npos) {
      REQUIRE(readable(test_patience_ms));
      char buffer[65536];
      const auto n = ::recv(fd_.get(), buffer, sizeof buffer, 0);
      if (n <= 0) return out;
      out.append(buffer, static_cast<std::size_t>(n));
    }
    const auto end = out.find(mark) + mark.size();
    pending_ = out.substr(end);
    out.resize(end);
    return out;
  }
  std::string read_to_end() { return read_until(""); }
  // One whole answer with a content-length.
  std::string read_answer() {
    std::string out = read_until("\r\n\r\n");
    const auto at = out.find("content-length: ");
    std::size_t left = at == std::string::npos ? 0 : std::stoul(out.substr(at + 16));
    while (left > pending_.size()) {
      REQUIRE(readable(test_patience_ms));
      char buffer[65536];
      const auto n = ::recv(fd_.get(), buffer, sizeof buffer, 0);
      if (n <= 0) break;
      pending_.append(buffer, static_cast<std::size_t>(n));
    }
    out += pending_.substr(0, left);
    pending_.erase(0, std::min(left, pending_.size()));
    return out;
  }

 private:
  Fd fd_;
  bool connected_ = true;
  std::string pending_;
};

// A peer on 127.0.0.1 that does what the test says with each connection, one after the other.
class TestPeer {
 public:
  explicit TestPeer(std::function<void(TestSocket&)> script) : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    REQUIRE(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
    REQUIRE(::listen(listener_.get(), 64) == 0);
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&at), &size);
    port_ = ntohs(at.sin_port);
    thread_ = std::thread([this, script = std::move(script)] {
      for (;;) {
        Fd fd(::accept(listener_.get(), nullptr, nullptr));
        if (!fd) return;
        TestSocket socket(std::move(fd));
        script(socket);
      }
    });
  }
  ~TestPeer() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  std::uint16_t port() const { return port_; }
  std::string url() const { return fmt::format("http://127.0.0.1:{}", port_); }

 private:
  Fd listener_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace hz::net
