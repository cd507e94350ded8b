// Kept connections to the servers that requests are passed on to. Belongs to the I/O thread of one server.
#pragma once
#include <chrono>
#include <compare>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "net/inlet.h"
#include "net/tls.h"

namespace hz::net {

inline constexpr std::size_t upstream_head_bytes_max = 32u << 10;
inline constexpr std::size_t upstream_piece_bytes = 64u << 10;
inline constexpr std::size_t upstream_idle_max = 64;  // kept per server
inline constexpr std::chrono::seconds upstream_idle_age_max{30};

struct UpstreamLink {
  explicit UpstreamLink(asio::io_context& io) : stream(io), buffer(upstream_head_bytes_max + upstream_piece_bytes) {}
  TcpStream stream;
  std::optional<asio::ssl::context> context;
  std::optional<asio::ssl::stream<TcpSocket&>> tls;  // over `stream`, when the server is reached so
  beast::flat_buffer buffer;
  HeadArena fields;  // of the answer's head
  tcp::endpoint endpoint;
  std::chrono::steady_clock::time_point used;
  bool connected = false;
  Inlet inlet;  // in the clear: a read is under way from the first request on, between requests too

  // In the clear: sees to it that a read is under way. False: there is no room for more.
  bool listen() {
    if (inlet.reading()) return true;
    const std::size_t room = std::min(upstream_piece_bytes, buffer.max_size() - buffer.size());
    if (room > 0) inlet.read(stream.socket(), buffer.prepare(room));
    return room > 0;
  }
  // What the read that is over has brought, into the buffer. False: nothing, the connection has ended.
  bool heard() {
    const auto [error, n] = inlet.got();
    buffer.commit(n);
    return !error;
  }
};

// Where a connection leads: what was proven of one key is never used for another.
struct UpstreamPlace {
  std::string address;  // IP address
  std::uint16_t port = 0;
  std::optional<Digest> pin;
  auto operator<=>(const UpstreamPlace&) const = default;
};

class Upstreams {
 public:
  // A kept connection that is still open and silent, or a new one that is not connected yet. Null: the
  // address is none, or TLS cannot be had.
  std::unique_ptr<UpstreamLink> take(asio::io_context& io, const UpstreamPlace& to);
  void keep(const UpstreamPlace& to, std::unique_ptr<UpstreamLink> link);
  void clear() { idle_.clear(); }

 private:
  std::map<UpstreamPlace, std::vector<std::unique_ptr<UpstreamLink>>> idle_;
  std::map<Digest, TlsContext> contexts_;  // by pin: making one costs more than a request
};

}  // namespace hz::net
