// Kept connections to the servers that requests are passed on to. Belongs to the I/O thread of one server.
#pragma once
#include <chrono>
#include <compare>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "net/asio.h"
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
  std::chrono::steady_clock::time_point used;
  bool connected = false;
};

// Where a connection leads: what was proven of one key is never used for another.
struct UpstreamPlace {
  tcp::endpoint endpoint;
  std::optional<Digest> pin;
  auto operator<=>(const UpstreamPlace& o) const {
    if (endpoint < o.endpoint) return std::strong_ordering::less;
    if (o.endpoint < endpoint) return std::strong_ordering::greater;
    return pin <=> o.pin;
  }
  bool operator==(const UpstreamPlace& o) const { return endpoint == o.endpoint && pin == o.pin; }
};

class Upstreams {
 public:
  // A kept connection that is still open and silent, or a new one that is not connected yet. Null: TLS cannot be had.
  std::unique_ptr<UpstreamLink> take(asio::io_context& io, const UpstreamPlace& to);
  void keep(const UpstreamPlace& to, std::unique_ptr<UpstreamLink> link);
  void clear() { idle_.clear(); }

 private:
  std::map<UpstreamPlace, std::vector<std::unique_ptr<UpstreamLink>>> idle_;
  std::map<Digest, TlsContext> contexts_;  // by pin: making one costs more than a request
};

}  // namespace hz::net
