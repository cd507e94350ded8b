// The client's side of a connection.
//
// An exchange runs on the caller's thread: each connection has an io_context of its own, and send() runs it until the
// coroutine below is done. So many threads may send at once, no thread waits in the background, and deadlines are the
// stream's timers as on the server's side.
#include "net/client.h"

#include <openssl/ssl.h>

#include <boost/asio/post.hpp>

#include "net/client_link.h"
#include "net/head.h"
#include "net/reasons.h"
#include "net/resolve.h"

namespace hz::net {
namespace {

namespace beast_http = beast::http;
using Parser = beast_http::response_parser<beast_http::string_body>;
using Instant = std::chrono::steady_clock::time_point;
using std::chrono::milliseconds;

struct Call {
  const ClientState& client;
  Link& link;
  const http::Request& request;
  std::string head;
  Instant connect_by, done_by;
  bool fresh = true;      // the link has to be connected first
  bool reusable = false;  // after the exchange
  std::vector<tcp::endpoint> endpoints = {};
  Result<http::Response> out = fail(why("net.closed"), "not begun");
};

std::unexpected<Error> transport_error(const Call& call, const ErrorCode& error, std::string_view doing) {
  const std::string place = call.client.url.text();
  if (call.client.options.stop.stop_requested()) return fail(hz::why("base.cancelled"), "{}: {}", place, doing);
  if (error == beast::error::timeout) return fail(why("net.deadline"), "{}: {}", place, doing);
  if (error == beast_http::error::body_limit || error == beast_http::error::header_limit ||
      error == beast_http::error::buffer_overflow)
    return fail(why("net.response_too_large"), "{}: more than {} bytes", place,
                error == beast_http::error::body_limit ? call.client.options.response_bytes_max
                                                       : call.client.options.header_bytes_max);
  if (error == beast_http::error::end_of_stream || error == beast_http::error::partial_message)
    return fail(why("net.closed"), "{}: {}", place, doing);
  if (error.category() == make_error_code(beast_http::error::bad_version).category())
    return fail(why("net.http_syntax"), "{}: {}", place, error.message());
  return fail(why("net.closed"), "{}: {}: {}", place, doing, error.message());
}

awaitable<bool> connect_tcp(Call& call, Plain& stream) {
  ErrorCode last;
  for (const tcp::endpoint& endpoint : call.endpoints) {
    stream.expires_at(call.connect_by);
    const auto [error] = co_await stream.async_connect(endpoint, as_values);
    last = error;
    if (!error) break;
    if (error == beast::error::timeout) break;
  }
  if (!last) {
    ErrorCode ignored;
    stream.socket().set_option(tcp::no_delay(true), ignored);
    co_return true;
  }
  if (last == beast::error::timeout || call.client.options.stop.stop_requested())
    call.out = transport_error(call, last, "connecting");
  else
    call.out = fail(why("net.connect"), "{}: {}", call.client.url.text(), last.message());
  co_return false;
}

awaitable<bool> connect(Call& call, Plain& stream) {
  const bool connected = co_await connect_tcp(call, stream);
  co_return connected;
}

awaitable<bool> connect(Call& call, Tls& stream) {
  Plain& lowest = beast::get_lowest_layer(stream);
  const bool connected = co_await connect_tcp(call, lowest);
  if (!connected) co_return false;
  const std::string& host = call.client.url.host;
  SSL* ssl = stream.native_handle();
  const bool address =
      host.find(':') != std::string::npos || host.find_first_not_of("0123456789.") == std::string::npos;
  if (address)
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str());
  else {
    SSL_set_tlsext_host_name(ssl, host.c_str());
    SSL_set1_host(ssl, host.c_str());
  }
  lowest.expires_at(call.connect_by);
  const auto [error] = co_await stream.async_handshake(asio::ssl::stream_base::client, as_values);
  if (!error) co_return true;
  const long verdict = SSL_get_verify_result(ssl);
  if (verdict != X509_V_OK)
    call.out = fail(why("net.peer_key"), "{}: {}", call.client.url.text(),
                    call.client.options.pin ? "its key is not the pinned one" : X509_verify_cert_error_string(verdict));
  else if (error == beast::error::timeout || call.client.options.stop.stop_requested())
    call.out = transport_error(call, error, "TLS handshake");
  else
    call.out = fail(why("net.tls"), "{}: {}", call.client.url.text(), error.message());
  co_return false;
}

template <class Stream>
awaitable<void> talk(Call& call, Stream& stream) {
  Plain& lowest = beast::get_lowest_layer(stream);
  // A stop from here on closes the socket; an earlier one may have closed it before it was open.
  if (call.client.options.stop.stop_requested()) {
    call.out = fail(hz::why("base.cancelled"), "{}", call.client.url.text());
    co_return;
  }
  if (call.fresh) {
    const bool connected = co_await connect(call, stream);
    if (!connected) co_return;
  }
  lowest.expires_at(call.done_by);
  const std::array<asio::const_buffer, 2> both = {asio::buffer(call.head), asio::buffer(call.request.body)};
  {
    // A peer may answer and close before it has read everything (413): its answer is still worth reading.
    const auto [error, n] = co_await asio::async_write(stream, both, as_values);
    if (error == beast::error::timeout || call.client.options.stop.stop_requested()) {
      call.out = transport_error(call, error, "sending");
      co_return;
    }
  }
  const ClientOptions& options = call.client.options;
  for (int informational = 0; informational < 8; ++informational) {
    Parser parser;
    parser.header_limit(static_cast<std::uint32_t>(options.header_bytes_max));
    parser.body_limit(options.response_bytes_max);
    if (call.request.method == "HEAD") parser.skip(true);
    {
      const auto [error, n] = co_await beast_http::async_read_header(stream, call.link.buffer, parser, as_values);
      if (error) {
        call.out = transport_error(call, error, "waiting for the answer");
        co_return;
      }
    }
    const int status = parser.get().result_int();
    if (status >= 100 && status < 200 && status != 101) continue;
    if (!parser.is_done()) {
      const auto [error, n] = co_await beast_http::async_read(stream, call.link.buffer, parser, as_values);
      if (error) {
        call.out = transport_error(call, error, "reading the answer");
        co_return;
      }
    }
    http::Response response{.status = status};
    for (const auto& field : parser.get()) {
      std::string name(field.name_string());
      for (char& c : name)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
      response.headers.push_back({std::move(name), std::string(field.value())});
    }
    call.reusable = parser.keep_alive() && !parser.need_eof() && status != 101 && call.link.buffer.size() == 0;
    response.body = std::move(parser.get().body());
    call.out = std::move(response);
    co_return;
  }
  call.out = fail(why("net.http_syntax"), "{}: informational answers without end", call.client.url.text());
}

}  // namespace

Result<Client> Client::make(ClientOptions options) {
  auto state = std::make_shared<ClientState>();
  state->url = HZ_TRY(parse_url(options.url));
  if (state->url.tls) state->tls = HZ_TRY(client_context(options.pin, options.ca_file));
  state->options = std::move(options);
  return Client(std::move(state));
}

Result<http::Response> Client::send(const http::Request& request) const {
  ClientState& client = *state_;
  const ClientOptions& options = client.options;
  if (options.stop.stop_requested()) return fail(hz::why("base.cancelled"), "{}", client.url.text());
  const Instant now = std::chrono::steady_clock::now();
  std::string head = HZ_TRY(request_head(request, options.headers, client.url.prefix, client.url.authority()));
  bool fresh = true;
  auto link = take_link(client, fresh);
  Call call{.client = client,
            .link = *link,
            .request = request,
            .head = std::move(head),
            .connect_by = now + milliseconds(std::min(options.connect_ms_max, options.total_ms_max)),
            .done_by = now + milliseconds(options.total_ms_max),
            .fresh = fresh};
  if (fresh)
    for (const std::string& address : HZ_TRY(resolve(client.url.host, call.connect_by, options.stop)))
      call.endpoints.emplace_back(asio::ip::make_address(address), client.url.port);

  {
    // Asked to stop, the socket is closed on the link's own thread: this one.
    const std::stop_callback on_stop(options.stop, [&] { asio::post(link->io, [&] { link->lowest()->close(); }); });
    if (auto* plain = std::get_if<Plain>(&link->stream))
      asio::co_spawn(link->io, talk(call, *plain), asio::detached);
    else
      asio::co_spawn(link->io, talk(call, std::get<Tls>(link->stream)), asio::detached);
    link->io.restart();
    link->io.run();
  }
  if (call.reusable && !options.stop.stop_requested()) keep_link(client, std::move(link));
  return std::move(call.out);
}

http::Exchange Client::exchange() const {
  return [client = *this](const http::Request& request) { return client.send(request); };
}

std::uint64_t Client::connections_made() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->connections_made;
}

}  // namespace hz::net
