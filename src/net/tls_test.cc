#include "net/tls.h"

#include <doctest/doctest.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include <fstream>

#include "net/client.h"
#include "net/server.h"
#include "net/test_socket.h"

using namespace hz;
using namespace hz::net;

namespace {

constexpr std::int64_t day_ms = 86'400'000;

http::Response ok(const http::Request&) { return {.body = "ok"}; }

std::string_view ask(const std::string& url, ClientOptions options) {
  options.url = url;
  const auto client = Client::make(options);
  REQUIRE(client);
  const auto answer = client->send({});
  return answer ? "ok" : answer.error().reason->slug;
}

// The protocol version a client limited to `version_max` agrees on, or 0.
int agreed(std::uint16_t port, int version_max, std::string_view alpn = {}) {
  TestSocket s(port);
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_security_level(context, 0);
  SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
  SSL_CTX_set_max_proto_version(context, version_max);
  SSL_CTX_set_cipher_list(context, "ALL");
  SSL* ssl = SSL_new(context);
  if (!alpn.empty())
    SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(alpn.data()), static_cast<unsigned>(alpn.size()));
  SSL_set_fd(ssl, s.fd());
  const int version = SSL_connect(ssl) == 1 ? SSL_version(ssl) : 0;
  SSL_free(ssl);
  SSL_CTX_free(context);
  return version;
}

}  // namespace

TEST_CASE("tls: an identity is made once, its key is private, and a new certificate keeps the pin") {
  const TempDir temp;
  ManualClock clock(1'800'000'000'000);
  const std::string names[] = {"node.example", "192.0.2.7"};
  const auto first = ensure_identity(temp.path() / "tls", names, clock);
  REQUIRE(first);
  struct stat s{};
  REQUIRE(::stat(first->key.c_str(), &s) == 0);
  CHECK((s.st_mode & 0777) == 0600);
  const auto pin = pin_of(*first);
  REQUIRE(pin);
  CHECK(*parse_pin(pin_text(*pin)) == *pin);
  const auto certificate = read_text(first->certificate, 10'000), key = read_text(first->key, 10'000);
  clock.advance_ms(300 * day_ms);
  REQUIRE(ensure_identity(temp.path() / "tls", names, clock));
  CHECK(*read_text(first->certificate, 10'000) == *certificate);
  clock.advance_ms(70 * day_ms);  // 20 days before its end
  REQUIRE(ensure_identity(temp.path() / "tls", names, clock));
  CHECK(*read_text(first->certificate, 10'000) != *certificate);
  CHECK(*read_text(first->key, 10'000) == *key);
  CHECK(*pin_of(*first) == *pin);
}

TEST_CASE("tls: files that are no certificate or key, and names that are none, are refused") {
  const TempDir temp;
  CHECK_FALSE(ensure_identity(temp.path() / "a", std::vector<std::string>{"a,DNS:evil"}, system_clock()));
  const auto identity = ensure_identity(temp.path() / "b", {}, system_clock());
  REQUIRE(identity);
  std::ofstream(identity->key) << "not a key";
  CHECK(ensure_identity(temp.path() / "b", {}, system_clock()).error().reason->slug == "net.tls_files");
  CHECK_FALSE(server_context(*identity));
  const auto other = ensure_identity(temp.path() / "c", {}, system_clock());
  CHECK_FALSE(server_context({identity->certificate, other->key}));  // not a pair
  CHECK_FALSE(parse_pin("sha256//AAAA"));
  CHECK_FALSE(parse_pin("md5//" + base64(Bytes(32))));
}

TEST_CASE("tls: the pinned key is accepted and no other; without a pin, an unknown authority is refused") {
  const TempDir temp;
  const auto identity = ensure_identity(temp.path() / "tls", {}, system_clock());
  auto server = Server::start({.tls = *identity}, {ok});
  REQUIRE(server);
  const Digest pin = *pin_of(*identity);
  Digest wrong = pin;
  wrong[31] ^= 1;
  CHECK(server->url().starts_with("https://"));
  CHECK(ask(server->url(), {.pin = pin}) == "ok");
  CHECK(ask(server->url(), {.pin = wrong}) == "net.peer_key");
  CHECK(ask(server->url(), {}) == "net.peer_key");
  CHECK(ask(server->url(), {.ca_file = identity->certificate}) == "ok");
  CHECK(ask(fmt::format("https://localhost:{}", server->port()), {.ca_file = identity->certificate}) == "ok");
  // The right authority, but the certificate names another host.
  CHECK(ask(fmt::format("https://127.0.0.2:{}", server->port()), {.ca_file = identity->certificate}) != "ok");
  CHECK_FALSE(Client::make({.url = server->url(), .ca_file = temp.path() / "none"}));
  CHECK(ask(fmt::format("http://127.0.0.1:{}", server->port()), {}) != "ok");
}

TEST_CASE("tls: versions below 1.2 and protocols other than http/1.1 are refused") {
  const TempDir temp;
  const auto identity = ensure_identity(temp.path() / "tls", {}, system_clock());
  auto server = Server::start({.tls = *identity}, {ok});
  CHECK(agreed(server->port(), TLS1_1_VERSION) == 0);
  CHECK(agreed(server->port(), TLS1_2_VERSION) == TLS1_2_VERSION);
  CHECK(agreed(server->port(), TLS1_3_VERSION) == TLS1_3_VERSION);
  CHECK(agreed(server->port(), TLS1_3_VERSION, "\x02h2") == 0);
  CHECK(agreed(server->port(), TLS1_3_VERSION, "\x02h2\x08http/1.1") == TLS1_3_VERSION);
  CHECK(server->counters().tls_failures == 2);
}

TEST_CASE("tls: a changed certificate is used from the next connection on; a broken one leaves the old in force") {
  const TempDir temp;
  const auto old_files = ensure_identity(temp.path() / "tls", {}, system_clock());
  const auto new_files = ensure_identity(temp.path() / "new", {}, system_clock());
  const Digest old_pin = *pin_of(*old_files), new_pin = *pin_of(*new_files);
  auto server = Server::start({.tls = *old_files}, {ok});
  CHECK(ask(server->url(), {.pin = old_pin}) == "ok");
  fs::rename(new_files->key, old_files->key);
  CHECK(ask(server->url(), {.pin = old_pin}) == "ok");  // half of the change: the pair does not fit
  fs::rename(new_files->certificate, old_files->certificate);
  CHECK(ask(server->url(), {.pin = new_pin}) == "ok");
  CHECK(ask(server->url(), {.pin = old_pin}) == "net.peer_key");
  std::ofstream(old_files->certificate) << "garbage";
  CHECK(ask(server->url(), {.pin = new_pin}) == "ok");
}
