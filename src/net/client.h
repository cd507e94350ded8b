// An http::Exchange with one peer: connections are kept and reused, every exchange has a deadline and a size limit.
#pragma once
#include <memory>
#include <optional>
#include <stop_token>

#include "base/http.h"
#include "net/tls.h"
#include "net/url.h"

namespace hz::net {

struct ClientOptions {
  std::string url = {};                    // http(s)://HOST[:PORT][/PREFIX]; request paths are put behind it
  std::optional<Digest> pin = {};          // the one key accepted; absent: the system's authorities decide
  fs::path ca_file = {};                   // authorities instead of the system's, PEM
  std::vector<http::Header> headers = {};  // sent with every request, e.g. authorization
  int connect_ms_max = 5'000;              // name, TCP and TLS
  int total_ms_max = 30'000;               // the whole exchange
  std::size_t response_bytes_max = 64u << 20;
  std::size_t header_bytes_max = 32u << 10;
  std::size_t idle_connections_max = 4;
  int idle_ms_max = 20'000;  // a kept connection older than this is not used again
  std::stop_token stop = {};
};

struct ClientState;

// May be used by several threads at once. Copies share their connections.
class Client {
 public:
  // Reads the URL and the authorities; connects on first use. Errors: net.url, net.tls.
  static Result<Client> make(ClientOptions options);

  // One request, one answer. Redirects are not followed, cookies not kept, compression not asked for. Sent once: a kept
  // connection that the peer has closed is noticed before anything is written and replaced; after the first byte
  // nothing is tried again. Errors: net.resolve, net.connect, net.closed, net.deadline, net.response_too_large,
  // net.http_syntax, net.peer_key, net.tls, net.request, base.cancelled.
  Result<http::Response> send(const http::Request& request) const;

  // send() as the function that protocol code takes.
  http::Exchange exchange() const;

  std::uint64_t connections_made() const;

 private:
  explicit Client(std::shared_ptr<ClientState> state) : state_(std::move(state)) {}
  std::shared_ptr<ClientState> state_;
};

}  // namespace hz::net
