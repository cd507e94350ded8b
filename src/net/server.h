// An HTTP/1.1 server for synchronous handlers.
//
// How it works. One I/O thread owns every socket and runs one coroutine a connection (session.cc): read a head, read
// its body, hand the request to a worker, wait, send the answer, begin again. Handlers may block: they run on a few
// worker threads behind a bounded queue, and a full queue answers 503 at once. Nothing a client does makes the server
// wait without end or keep bytes without end: every phase has a deadline and every buffer a limit. Pipelined requests
// are answered in order, one at a time, so a flood of them is held back by TCP itself.
#pragma once
#include <array>
#include <expected>
#include <functional>
#include <memory>
#include <optional>

#include "base/http.h"
#include "net/passage.h"
#include "net/tls.h"

namespace hz::net {

struct ServerLimits {
  std::size_t header_bytes_max = 16u << 10;  // request line and headers; more is 431
  std::size_t body_bytes_max = 1u << 20;     // where the site says nothing else; more is 413
  int header_ms_max = 10'000;                // a whole head, from its first byte; also the TLS handshake
  int body_ms_max = 60'000;                  // a whole collected body, or 256 KiB of an upload
  int idle_ms_max = 60'000;                  // between requests
  int write_ms_max = 60'000;                 // for each MiB of an answer
  int stop_ms_max = 10'000;                  // what running requests get when the server stops
  int connections_max = 1024;
  int connections_per_client_max = 128;  // per IPv4 address or IPv6 /64
  int workers = 4;
  std::size_t queue_max = 256;  // requests that wait for a worker; more are answered 503
};

// What is served. All functions may be called by several threads at once.
struct Site {
  // Runs on a worker. HEAD arrives as HEAD; the server leaves the body out.
  std::function<http::Response(const http::Request&)> handle;
  // The body limit of this head; runs on the I/O thread, so it only looks. Absent: ServerLimits::body_bytes_max.
  std::function<std::size_t(const http::Request& head)> body_bytes_max = {};
  // The request is for another server (net/passage.h): asked on the I/O thread before any of the body is read. The
  // body is collected within body_bytes_max and then passed on. A response refuses it; null: it is for `handle`.
  std::function<std::expected<std::unique_ptr<Passage>, http::Response>(const http::Request& head)> passage = {};
  // Runs on the I/O thread between a passage's arrived() and its first next(), and after passages ended: at the end of
  // the loop's turn and once for all that did, so that what each leaves to do costs one step together; at once where no
  // other request is with an upstream.
  std::function<void()> settle_passages = {};
  // Runs on a worker before any of the body is read. A sink takes the body as it arrives; a response refuses it; a null
  // sink means that the body is collected for `handle`.
  std::function<std::expected<std::unique_ptr<http::Sink>, http::Response>(const http::Request& head)> upload = {};
  // Runs on the I/O thread: false spares a request the way to a worker and back that asking `upload` is. Absent: each
  // request with a body is asked about.
  std::function<bool(const http::Request& head)> may_upload = {};
};

// Since the start, except `open` and `waiting`, which are now.
struct Counters {
  std::uint64_t accepted = 0, refused = 0, open = 0, waiting = 0;  // connections; waiting: requests in the queue
  std::uint64_t requests = 0, busy = 0, malformed = 0, deadlines = 0, tls_failures = 0;
  std::array<std::uint64_t, 6> by_class = {};  // answers by status / 100; [0] stays 0
  std::uint64_t bytes_out = 0;
};

struct ServerOptions {
  std::string address = "127.0.0.1";  // an IP address
  std::uint16_t port = 0;             // 0: any free one
  ServerLimits limits = {};
  std::optional<Identity> tls = {};
};

struct ServerState;  // server_state.h

class Server {
 public:
  // Listens and serves from now on. Errors: net.listen, net.tls_files.
  static Result<Server> start(const ServerOptions& options, Site site);
  Server(Server&&) noexcept;
  Server& operator=(Server&&) = delete;
  // Stops first.
  ~Server();

  std::uint16_t port() const;
  std::string url() const;  // "http://127.0.0.1:41231"
  Counters counters() const;
  // Takes no more requests, finishes the running ones, closes everything. Connections still open after stop_ms_max are
  // cut; a handler that runs longer is waited for. Harmless when repeated.
  void stop();

 private:
  explicit Server(std::shared_ptr<ServerState> state);
  std::shared_ptr<ServerState> state_;
};

}  // namespace hz::net
