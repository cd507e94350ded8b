#include "net/upstreams.h"

#include <openssl/ssl.h>
#include <sys/socket.h>

namespace hz::net {
namespace {

constexpr std::size_t contexts_max = 256;

// Nothing has arrived since the last exchange: not the end, and not an answer nobody asked for.
bool is_quiet(UpstreamLink& link) {
  if (!link.tls) return link.inlet.reading();
  char scrap;
  const auto n = ::recv(link.stream.socket().native_handle(), &scrap, 1, MSG_PEEK | MSG_DONTWAIT);
  return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

}  // namespace

std::unique_ptr<UpstreamLink> Upstreams::take(asio::io_context& io, const UpstreamPlace& to) {
  const auto found = idle_.find(to);
  if (found != idle_.end()) {
    auto& kept = found->second;
    const auto now = coarse_now();
    while (!kept.empty()) {
      auto link = std::move(kept.back());
      kept.pop_back();
      if (now - link->used <= upstream_idle_age_max && is_quiet(*link)) return link;
    }
    idle_.erase(found);
  }
  ErrorCode bad;
  const auto address = asio::ip::make_address(to.address, bad);
  if (bad) return nullptr;
  auto link = std::make_unique<UpstreamLink>(io);
  link->endpoint = {address, to.port};
  if (!to.pin) return link;
  if (contexts_.size() >= contexts_max) contexts_.clear();
  TlsContext& context = contexts_[*to.pin];
  if (!context) {
    auto made = client_context(to.pin, {});
    if (!made) return nullptr;
    context = *std::move(made);
  }
  SSL_CTX_up_ref(context.get());
  link->context.emplace(context.get());
  link->tls.emplace(link->stream.socket(), *link->context);
  return link;
}

void Upstreams::keep(const UpstreamPlace& to, std::unique_ptr<UpstreamLink> link) {
  auto& kept = idle_[to];
  if (kept.size() >= upstream_idle_max) return;
  link->used = coarse_now();
  if (!link->tls) (void)link->listen();
  kept.push_back(std::move(link));
}

}  // namespace hz::net
