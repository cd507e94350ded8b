#include "net/server.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

#include <chrono>

#include "net/head.h"
#include "net/reasons.h"
#include "net/server_state.h"
#include "net/url.h"

namespace hz::net {
namespace {

// Whom a connection is counted for: an IPv4 address, or the /64 that one IPv6 customer has.
std::string client_key(const asio::ip::address& address) {
  if (address.is_v4()) return address.to_string();
  const auto v6 = address.to_v6();
  if (v6.is_v4_mapped()) return asio::ip::make_address_v4(asio::ip::v4_mapped, v6).to_string();
  const auto bytes = v6.to_bytes();
  return hex(ByteView(bytes.data(), 8));
}

bool has_bytes(int socket) {
  char scrap;
  return ::recv(socket, &scrap, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

// Said to a connection there is no room for; with TLS there is nobody to say it to.
constexpr std::string_view no_room =
    "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

void refuse(ServerState& state, TcpSocket& socket) {
  ++state.counts.refused;
  ErrorCode ignored;
  socket.non_blocking(true, ignored);
  if (!state.identity) socket.send(asio::buffer(no_room), 0, ignored);
  socket.close(ignored);
}

awaitable<void> accept_connections(std::shared_ptr<ServerState> state) {
  const ServerLimits& limits = state->options.limits;
  while (!state->stopping) {
    auto [error, socket] = co_await state->acceptor.async_accept(as_values);
    if (state->stopping) break;
    if (error) {  // mostly: no descriptor is free
      state->pause.expires_after(std::chrono::milliseconds(20));
      co_await state->pause.async_wait(as_values);
      continue;
    }
    ErrorCode gone;
    const auto peer = socket.remote_endpoint(gone);
    if (gone) continue;
    std::string key = client_key(peer.address());
    const auto same = state->per_client.find(key);
    if (static_cast<int>(state->connections.size()) >= limits.connections_max ||
        (same != state->per_client.end() && same->second >= limits.connections_per_client_max)) {
      refuse(*state, socket);
      continue;
    }
    ++state->counts.accepted;
    ErrorCode ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    auto connection = std::make_unique<Connection>(*state, peer.address().to_string(), std::move(key));
    asio::co_spawn(state->io, serve_connection(state, std::move(socket), std::move(connection)), asio::detached);
  }
}

}  // namespace

Connection::Connection(ServerState& s, std::string address, std::string key)
    : state(s), client(std::move(address)), counted_as(std::move(key)) {
  state.connections.push_front(this);
  place = state.connections.begin();
  ++state.per_client[counted_as];
  ++state.counts.open;
  if (!std::exchange(state.sweeping, true)) state.sweep();
}

Connection::~Connection() {
  state.connections.erase(place);
  const auto same = state.per_client.find(counted_as);
  if (--same->second == 0) state.per_client.erase(same);
  --state.counts.open;
  state.end_if_empty();
}

Passing::Passing(ServerState& server, TcpSocket& from, TcpStream& to) : state(server), client(from), upstream(to) {
  state.passing.push_front(*this);
}

Passing::~Passing() { state.passing.erase(state.passing.iterator_to(*this)); }

void ServerState::sweep() {
  sweep_timer.expires_after(passing.empty() ? sweep_pause_idle : sweep_pause);
  sweep_timer.async_wait([this](ErrorCode error) {
    if (error || connections.empty()) {
      sweeping = false;
      return;
    }
    const auto now = std::chrono::steady_clock::now();
    for (Connection* c : connections)
      if (c->stream && now >= c->deadline) {
        if (!c->idle) ++counts.deadlines;  // silence between requests is nothing to count
        c->deadline = std::chrono::steady_clock::time_point::max();
        c->stream->close();
      }
    std::vector<pollfd> fds;
    fds.reserve(2 * passing.size());
    for (Passing& p : passing) {
      fds.push_back({p.client.is_open() ? p.client.native_handle() : -1, POLLRDHUP, 0});
      TcpSocket& upstream = p.upstream.socket();
      fds.push_back({upstream.is_open() ? upstream.native_handle() : -1, 0, 0});
    }
    // Bytes are the client's next request and wait for their turn; only an end is an end.
    (void)::poll(fds.data(), fds.size(), 0);
    std::size_t at = 0;
    for (Passing& p : passing) {
      const pollfd& seen = fds[at++];
      // A socket that is closed on our side: the server stops.
      p.client_gone |= seen.fd < 0 || (seen.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
      p.late |= !p.client_gone && now >= p.deadline;
      // A reset that came together with the last bytes has no edge of its own (inlet.h).
      const pollfd& other = fds[at++];
      const bool dead = (other.revents & (POLLERR | POLLHUP)) != 0 && !has_bytes(other.fd);
      if (p.client_gone || p.late || dead) p.upstream.close();
    }
    sweep();
  });
}

void ServerState::note_end() {
  if (!site.settle_passages || turn_noted) return;
  if (is_alone()) return site.settle_passages();
  note_turn();
}

awaitable<void> ServerState::end_of_turn() {
  static constexpr asio::use_awaitable_t<Executor> token{};
  return asio::async_initiate<const asio::use_awaitable_t<Executor>, void()>(
      [this](Resume resume) {
        parked.push_back(std::move(resume));
        note_turn();
      },
      token);
}

// What is posted runs after everything that was found ready together.
void ServerState::note_turn() {
  if (std::exchange(turn_noted, true)) return;
  asio::post(io, [this] { end_turn(); });
}

void ServerState::end_turn() {
  turn_noted = false;
  site.settle_passages();
  std::swap(parked, parked_next);
  for (Resume& resume : parked_next) resume();
  parked_next.clear();
}

void ServerState::end_if_empty() {
  if (!stopping || !connections.empty()) return;
  sweep_timer.cancel();
  upstreams.clear();
  grace.cancel();
  alive.reset();
}

void ServerState::begin_stop() {
  if (stopping) return;
  stopping = true;
  ErrorCode ignored;
  acceptor.close(ignored);
  pause.cancel();
  for (Connection* c : connections)
    if (c->idle && c->stream) c->stream->close();
  grace.expires_after(std::chrono::milliseconds(options.limits.stop_ms_max));
  grace.async_wait([this](ErrorCode error) {
    if (error) return;
    for (Connection* c : connections)
      if (c->stream) c->stream->close();
  });
  end_if_empty();
}

std::string_view ServerState::date_now() {
  const std::int64_t now_s = static_cast<std::int64_t>(std::time(nullptr));
  if (now_s != date_s) {
    date_s = now_s;
    date = imf_date(now_s);
  }
  return date;
}

Server::Server(std::shared_ptr<ServerState> state) : state_(std::move(state)) {}
Server::Server(Server&&) noexcept = default;
Server::~Server() {
  if (state_) stop();
}

Result<Server> Server::start(const ServerOptions& options, Site site) {
  auto state = std::make_shared<ServerState>(options, std::move(site));
  const std::string place = fmt::format("{}:{}", bracketed(options.address), options.port);
  ErrorCode error;
  const auto address = asio::ip::make_address(options.address, error);
  if (error) return fail(why("net.listen"), "{}: not an IP address", place);
  const tcp::endpoint endpoint(address, options.port);
  TcpAcceptor& acceptor = state->acceptor;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(TcpAcceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return fail(why("net.listen"), "{}: {}", place, error.message());
  state->port = acceptor.local_endpoint(error).port();
  if (options.tls) state->identity = HZ_TRY(FollowedIdentity::open(*options.tls));

  state->alive.emplace(asio::make_work_guard(state->io));
  asio::co_spawn(state->io, accept_connections(state), asio::detached);
  sigset_t all, before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  state->thread = std::thread([s = state.get()] { s->io.run(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return Server(std::move(state));
}

std::uint16_t Server::port() const { return state_->port; }

std::string Server::url() const {
  return fmt::format("{}://{}:{}", state_->options.tls ? "https" : "http", bracketed(state_->options.address),
                     state_->port);
}

Counters Server::counters() const {
  const auto& c = state_->counts;
  Counters out{.accepted = c.accepted,
               .refused = c.refused,
               .open = c.open,
               .waiting = state_->workers.waiting(),
               .requests = c.requests,
               .busy = c.busy,
               .malformed = c.malformed,
               .deadlines = c.deadlines,
               .tls_failures = c.tls_failures,
               .bytes_out = c.bytes_out};
  for (std::size_t i = 0; i < out.by_class.size(); ++i) out.by_class[i] = c.by_class[i];
  return out;
}

void Server::stop() {
  asio::post(state_->io, [s = state_.get()] { s->begin_stop(); });
  if (state_->thread.joinable()) state_->thread.join();
}

}  // namespace hz::net
