// A client's connections: made, kept, and looked at before they are used again.
#pragma once
#include <chrono>
#include <mutex>
#include <variant>

#include "net/asio.h"
#include "net/client.h"

namespace hz::net {

using Plain = TcpStream;
using Tls = beast::ssl_stream<TcpStream>;

// One connection and the loop it runs on.
struct Link {
  asio::io_context io{1};
  std::optional<asio::ssl::context> context;
  std::variant<std::monostate, Plain, Tls> stream;
  beast::flat_buffer buffer;
  std::chrono::steady_clock::time_point used;

  Plain* lowest() {
    if (auto* plain = std::get_if<Plain>(&stream)) return plain;
    if (auto* tls = std::get_if<Tls>(&stream)) return &beast::get_lowest_layer(*tls);
    return nullptr;
  }
};

struct ClientState {
  ClientOptions options;
  Url url;
  TlsContext tls;
  std::mutex mutex;
  std::vector<std::unique_ptr<Link>> idle;
  std::uint64_t connections_made = 0;
};

// A kept connection that is still good, or (`fresh`) a new one that is not connected yet.
std::unique_ptr<Link> take_link(ClientState& client, bool& fresh);
// Keeps it for the next exchange, unless there are enough.
void keep_link(ClientState& client, std::unique_ptr<Link> link);

}  // namespace hz::net
