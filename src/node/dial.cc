#include "node/dial.h"

#include "alliance/keys.h"
#include "node/peer_call.h"
#include "node/reasons.h"
#include "node/serve.h"

namespace hz::node {

Address running_address(const fs::path& home) {
  const auto text = read_text(home / "node.json", 64u << 10);
  const auto value = text ? json::parse(*text) : Result<json::Value>(std::unexpected(text.error()));
  const auto file = value ? from_json<NodeFile>(*value) : Result<NodeFile>(std::unexpected(value.error()));
  if (!file) return {};
  const auto pin = file->pin ? net::parse_pin(*file->pin) : Result<Digest>(Digest{});
  return {file->url, file->pin && pin ? hex(*pin) : ""};
}

Result<Dialer> Dialer::of(alliance::Member& member, std::stop_token stop, DialLimits limits) {
  auto author = HZ_TRY(alliance::load_key(member.keys_folder(), alliance::Role::author));
  return Dialer(member.origin(), std::move(author), *member.seams().clock, std::move(stop), limits);
}

Result<net::Client> Dialer::client(const Address& to) {
  const auto kept = clients_.find({to.url, to.pin});
  if (kept != clients_.end()) return kept->second;
  net::ClientOptions options{.url = to.url,
                             .connect_ms_max = 3'000,
                             .total_ms_max = limits_.total_ms_max,
                             .response_bytes_max = limits_.response_bytes_max,
                             .stop = stop_};
  if (!to.pin.empty()) options.pin = HZ_TRY(parse_digest(to.pin));
  auto client = HZ_TRY(net::Client::make(std::move(options)));
  clients_.emplace(std::pair(to.url, to.pin), client);
  return client;
}

Connect Dialer::connect() {
  return [this](const Contact& contact) -> Result<http::Exchange> {
    const net::Client to = HZ_TRY(client(contact.address));
    return signing(to.exchange(), origin_, contact.origin, author_.key, *clock_);
  };
}

Reach Dialer::reach() {
  return [this](const std::string& url) -> Result<http::Exchange> { return HZ_TRY(client({url, ""})).exchange(); };
}

Result<void> Dialer::deliver_card(const Address& to, std::string_view card) {
  const net::Client client = HZ_TRY(this->client(to));
  const http::Response answer = HZ_TRY(client.send({.method = "POST",
                                                    .path = std::string(cards_path),
                                                    .headers = {{"content-type", "application/json"}},
                                                    .body = std::string(card)}));
  if (answer.status != 202) return fail(why("node.card_refused"), "{} answers {}", to.url, answer.status);
  return {};
}

}  // namespace hz::node
