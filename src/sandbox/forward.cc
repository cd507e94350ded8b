#include "sandbox/forward.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace hz::sandbox {

Forwarder::Forwarder(int epoll, int listener, std::uint16_t inner_port, std::size_t connections_max)
    : epoll_(epoll),
      listener_(listener),
      inner_port_(inner_port),
      connections_max_(connections_max),
      scratch_(std::size_t{256} << 10) {
  epoll_event event{.events = EPOLLIN, .data = {.ptr = this}};
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &event);
}
Forwarder::~Forwarder() = default;

void Forwarder::accept_all() {
  for (;;) {
    Fd client(::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!client) return;
    if (pairs_.size() >= connections_max_) continue;  // closed at once
    Fd server(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!server) continue;
    const int on = 1;
    for (const int fd : {client.get(), server.get()}) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(inner_port_);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(server.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 && errno != EINPROGRESS)
      continue;
    Pair& pair = pairs_.emplace_front();
    pair.self = pairs_.begin();
    pair.client.pair = pair.server.pair = &pair;
    pair.client.fd = std::move(client);
    pair.server.fd = std::move(server);
    ask(pair);
  }
}

void Forwarder::set(End& end, std::uint32_t wanted) {
  if (wanted == end.asked) return;
  epoll_event event{.events = wanted, .data = {.ptr = &end}};
  // A descriptor that asks for nothing is taken out: a hang-up cannot be masked and would spin.
  const int op = end.asked == 0 ? EPOLL_CTL_ADD : wanted == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
  ::epoll_ctl(epoll_, op, end.fd.get(), &event);
  end.asked = wanted;
}

void Forwarder::ask(Pair& pair) {
  const auto wants = [](const End& end, const End& other) {
    std::uint32_t wanted = 0;
    if (!end.finished && other.waiting.empty()) wanted |= EPOLLIN;
    if (!end.waiting.empty()) wanted |= EPOLLOUT;
    return wanted;
  };
  set(pair.client, wants(pair.client, pair.server));
  set(pair.server, wants(pair.server, pair.client));
}

// False when the end is broken.
bool Forwarder::flush(End& to) {
  while (to.written < to.waiting.size()) {
    const auto n = ::send(to.fd.get(), to.waiting.data() + to.written, to.waiting.size() - to.written, MSG_NOSIGNAL);
    if (n >= 0)
      to.written += static_cast<std::size_t>(n);
    else if (errno == EAGAIN || errno == ENOTCONN)
      return true;
    else if (errno != EINTR)
      return false;
  }
  to.waiting = {};
  to.written = 0;
  return true;
}

void Forwarder::pump(End& from, End& to) {
  Pair& pair = *from.pair;
  if (from.finished || !to.waiting.empty()) return;
  const auto n = ::recv(from.fd.get(), scratch_.data(), scratch_.size(), 0);
  if (n < 0) {
    if (errno != EAGAIN && errno != EINTR) pair.dead = true;
    return;
  }
  if (n == 0) {
    from.finished = true;
    return;
  }
  const auto size = static_cast<std::size_t>(n);
  const auto sent = ::send(to.fd.get(), scratch_.data(), size, MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN && errno != EINTR && errno != ENOTCONN) {
    pair.dead = true;
    return;
  }
  const std::size_t done = sent > 0 ? static_cast<std::size_t>(sent) : 0;
  if (done < size) to.waiting.assign(scratch_.begin() + static_cast<std::ptrdiff_t>(done), scratch_.begin() + n);
}

void Forwarder::serve(void* tag, std::uint32_t events) {
  if (tag == this) return accept_all();
  End& end = *static_cast<End*>(tag);
  Pair& pair = *end.pair;
  if (pair.dead) return;
  End& other = &end == &pair.client ? pair.server : pair.client;
  if ((events & EPOLLOUT) && !flush(end)) pair.dead = true;
  if (!pair.dead && (events & (EPOLLIN | EPOLLHUP | EPOLLERR))) pump(end, other);
  if ((events & EPOLLERR) && !(events & EPOLLIN)) pair.dead = true;
  // An end that finished closes the other's way out, once everything has gone there.
  for (const auto& [from, to] : {std::pair{&pair.client, &pair.server}, {&pair.server, &pair.client}})
    if (!pair.dead && from->finished && to->waiting.empty() && !to->shut) {
      ::shutdown(to->fd.get(), SHUT_WR);
      to->shut = true;
    }
  if (pair.client.shut && pair.server.shut) pair.dead = true;
  if (!pair.dead) return ask(pair);
  pair.client.fd.reset();
  pair.server.fd.reset();
  graveyard_.splice(graveyard_.begin(), pairs_, pair.self);
}

}  // namespace hz::sandbox
