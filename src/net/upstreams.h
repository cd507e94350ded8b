// Kept connections to the servers that requests are passed on to. Belongs to the I/O thread of one server.
#pragma once
#include <chrono>
#include <map>
#include <memory>
#include <vector>

#include "net/asio.h"

namespace hz::net {

inline constexpr std::size_t upstream_head_bytes_max = 32u << 10;
inline constexpr std::size_t upstream_piece_bytes = 64u << 10;
inline constexpr std::size_t upstream_idle_max = 64;  // kept per server
inline constexpr std::chrono::seconds upstream_idle_age_max{30};

struct UpstreamLink {
  explicit UpstreamLink(asio::io_context& io) : stream(io), buffer(upstream_head_bytes_max + upstream_piece_bytes) {}
  TcpStream stream;
  beast::flat_buffer buffer;
  HeadArena fields;  // of the answer's head
  std::chrono::steady_clock::time_point used;
  bool connected = false;
};

class Upstreams {
 public:
  // A kept connection that is still open and silent, or a new one that is not connected yet.
  std::unique_ptr<UpstreamLink> take(asio::io_context& io, const tcp::endpoint& to);
  void keep(const tcp::endpoint& to, std::unique_ptr<UpstreamLink> link);
  void clear() { idle_.clear(); }

 private:
  std::map<tcp::endpoint, std::vector<std::unique_ptr<UpstreamLink>>> idle_;
};

}  // namespace hz::net
