#include "node/peer_call.h"

#include <charconv>

#include "crypto/hash.h"

namespace hz::node {

std::optional<PeerCall> read_peer_call(const http::Request& request) {
  const std::string_view value = http::header(request.headers, peer_header);
  const auto first = value.find(' ');
  const auto second = first == std::string_view::npos ? first : value.find(' ', first + 1);
  if (second == std::string_view::npos || value.size() > 1024) return std::nullopt;
  PeerCall out{std::string(value.substr(0, first)), 0, {}};
  const std::string_view time = value.substr(first + 1, second - first - 1);
  const auto [end, error] = std::from_chars(time.data(), time.data() + time.size(), out.time_s);
  if (error != std::errc() || end != time.data() + time.size() || out.time_s < 0) return std::nullopt;
  auto signature = parse_base64(value.substr(second + 1));
  if (!signature || signature->size() != 64) return std::nullopt;
  out.signature = *std::move(signature);
  return out;
}

std::string peer_call_text(std::string_view asked, std::int64_t time_s, const http::Request& request) {
  return fmt::format("hezong/peer/v1\n{}\n{}\n{} {}\n{}\n", asked, time_s, request.method, request.path,
                     hex(crypto::sha256(as_bytes(request.body))));
}

void sign_peer_call(http::Request& request, std::string_view caller, std::string_view asked, std::int64_t time_s,
                    const crypto::SigningKey& author) {
  const auto signature = author.sign(as_bytes(peer_call_text(asked, time_s, request)));
  request.headers.push_back({std::string(peer_header), fmt::format("{} {} {}", caller, time_s, base64(signature))});
}

http::Exchange signing(http::Exchange exchange, std::string caller, std::string asked, const crypto::SigningKey& author,
                       Clock& clock) {
  return [exchange = std::move(exchange), caller = std::move(caller), asked = std::move(asked), &author,
          &clock](const http::Request& request) {
    http::Request out = request;
    sign_peer_call(out, caller, asked, clock.now_ms() / 1000, author);
    return exchange(out);
  };
}

bool holds(const PeerCall& call, std::string_view asked, std::int64_t now_s, const http::Request& request,
           const alliance::Authority& caller) {
  // All of it is always done: how long a refusal takes does not tell what was wrong.
  const bool timely = call.time_s >= now_s - peer_call_age_s_max && call.time_s <= now_s + peer_call_age_s_max;
  const alliance::KeySpan* author = caller.key(alliance::Role::author);
  if (!author || call.signature.size() != 64) return false;
  const bool genuine = author->key.key.verify(as_bytes(peer_call_text(asked, call.time_s, request)), call.signature);
  return timely && genuine;
}

}  // namespace hz::node
