#include "net/client_link.h"

#include <openssl/ssl.h>
#include <sys/socket.h>

namespace hz::net {
namespace {

// Nothing may have arrived between exchanges: not the end, not a farewell, not an answer nobody asked for.
bool is_quiet(Link& link) {
  char scrap;
  const auto n = ::recv(link.lowest()->socket().native_handle(), &scrap, 1, MSG_PEEK | MSG_DONTWAIT);
  return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

}  // namespace

std::unique_ptr<Link> take_link(ClientState& client, bool& fresh) {
  const auto now = std::chrono::steady_clock::now();
  {
    const std::scoped_lock lock(client.mutex);
    while (!client.idle.empty()) {
      auto link = std::move(client.idle.back());
      client.idle.pop_back();
      if (now - link->used > std::chrono::milliseconds(client.options.idle_ms_max) || !is_quiet(*link)) continue;
      fresh = false;
      return link;
    }
    ++client.connections_made;
  }
  fresh = true;
  auto link = std::make_unique<Link>();
  if (client.url.tls) {
    SSL_CTX_up_ref(client.tls.get());
    link->context.emplace(client.tls.get());
    link->stream.emplace<Tls>(link->io, *link->context);
  } else {
    link->stream.emplace<Plain>(link->io);
  }
  link->buffer.max_size(client.options.header_bytes_max + (64u << 10));
  return link;
}

void keep_link(ClientState& client, std::unique_ptr<Link> link) {
  link->lowest()->expires_never();
  link->used = std::chrono::steady_clock::now();
  const std::scoped_lock lock(client.mutex);
  if (client.idle.size() < client.options.idle_connections_max) client.idle.push_back(std::move(link));
}

}  // namespace hz::net
