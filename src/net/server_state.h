// What the coroutines of one server share. Everything but the counters and the workers belongs to the I/O thread.
#pragma once
#include <atomic>
#include <boost/intrusive/list.hpp>
#include <list>
#include <thread>
#include <unordered_map>

#include "net/asio.h"
#include "net/server.h"
#include "net/upstreams.h"
#include "net/workers.h"

namespace hz::net {

struct Connection;

// A request that is with another server. Looked after by the sweep, a few dozen times a second for all of them
// together: timers and watched sockets of their own would cost each request more than its bytes do.
struct Passing : boost::intrusive::list_base_hook<> {
  Passing(ServerState& server, TcpSocket& from, TcpStream& to);
  ~Passing();
  Passing(const Passing&) = delete;

  ServerState& state;
  TcpSocket& client;
  TcpStream& upstream;
  std::chrono::steady_clock::time_point deadline;  // of what is waited for now
  bool late = false, client_gone = false;          // why the upstream's connection was closed
};
inline constexpr std::chrono::milliseconds sweep_pause{20}, sweep_pause_idle{50};  // idle: nothing passes

struct ServerState {
  ServerState(ServerOptions o, Site s)
      : options(std::move(o)), site(std::move(s)), workers(options.limits.workers, options.limits.queue_max) {}

  const ServerOptions options;
  const Site site;
  // One thread runs it and does all I/O; others only post.
  asio::io_context io{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};
  TcpAcceptor acceptor{io};
  Timer pause{io};  // after a failed accept
  Timer grace{io};
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> alive;
  std::optional<FollowedIdentity> identity;
  std::list<Connection*> connections;
  std::unordered_map<std::string, int> per_client;
  Upstreams upstreams;
  boost::intrusive::list<Passing> passing;
  Timer sweep_timer{io};
  bool sweeping = false;
  bool stopping = false;
  bool turn_noted = false;                  // end_turn() is about to run
  std::vector<Resume> parked, parked_next;  // passages that wait for it
  std::int64_t date_s = 0;
  std::string date;  // of date_s
  std::uint16_t port = 0;
  std::thread thread;

  struct {
    std::atomic<std::uint64_t> accepted{0}, refused{0}, open{0}, requests{0}, busy{0}, malformed{0}, deadlines{0},
        tls_failures{0}, bytes_out{0};
    std::array<std::atomic<std::uint64_t>, 6> by_class{};
  } counts;

  Workers workers;  // last: its threads end first, while everything they post to is there

  void begin_stop();
  void end_if_empty();
  // Closes connections whose time is over, and the upstreams of passing requests whose time is over or whose client is
  // gone; again after a pause, while there are connections.
  void sweep();
  std::string_view date_now();
  // No other request is with an upstream or about to be.
  bool is_alone() const { return passing.empty() && parked.empty(); }
  // Until all that is ready now has been looked at, and site.settle_passages has run once for all of it.
  awaitable<void> end_of_turn();
  // A passage ended: site.settle_passages runs at the end of the turn, at once where nobody is on the way.
  void note_end();
  void note_turn();
  void end_turn();
};

// One accepted connection, on the server's list while it lives.
struct Connection {
  // `counted_as` is whom the limit per client counts it for.
  Connection(ServerState& state, std::string client, std::string counted_as);
  ~Connection();
  Connection(const Connection&) = delete;

  ServerState& state;
  std::string client;  // the address
  std::string counted_as;
  std::list<Connection*>::iterator place;
  TcpStream* stream = nullptr;  // null until there is one
  bool idle = false;            // waits for the first byte of a request: may be closed at any time
  // When the sweep closes it: of reads over plain TCP. What else is waited for has a timer of its own.
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
};

// Serves one connection until it ends.
awaitable<void> serve_connection(std::shared_ptr<ServerState> state, TcpSocket socket,
                                 std::unique_ptr<Connection> connection);

}  // namespace hz::net
