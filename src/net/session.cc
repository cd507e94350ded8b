// One connection, from accept to close.
//
// The coroutine below is the whole life of a connection and reads from top to bottom; whatever has to wait stands
// behind a co_await with a deadline set before it. A deadline covers a phase, not a byte, so dripping bytes buys no
// time: the stream's timer closes the socket and the next co_await returns an error. Where a client was refused before
// its body was read, the answer is sent, our side is shut, and what still arrives is thrown away for a moment, because
// closing at once would make the kernel reset the connection and take the answer with it.
//
// g++ 12: nothing inside a co_await expression but names (docs/decisions/0002).
#include <chrono>
#include <tuple>

#include "net/inlet.h"
#include "net/pass_on.h"
#include "net/receive.h"

namespace hz::net {
namespace {

namespace beast_http = beast::http;
using BodyParser = beast_http::request_parser<beast_http::string_body, HeadMemory>;
using std::chrono::milliseconds;

constexpr std::size_t read_bytes = 16u << 10, body_read_bytes = 64u << 10;
constexpr std::size_t drain_bytes_max = 1u << 20;
constexpr int drain_ms_max = 2000;

http::Response handle_safely(const ServerState& state, const http::Request& request) {
  try {
    return state.site.handle(request);
  } catch (...) {
    return plain(500, "internal error");
  }
}

// Our side says goodbye, and what still arrives is thrown away for a moment.
awaitable<void> drain(TcpStream& stream) {
  ErrorCode ignored;
  stream.socket().shutdown(TcpSocket::shutdown_send, ignored);
  std::array<char, 4096> scrap;
  const asio::mutable_buffer into = asio::buffer(scrap);
  stream.expires_after(milliseconds(drain_ms_max));
  for (std::size_t total = 0; total < drain_bytes_max;) {
    const auto [error, n] = co_await stream.async_read_some(into, as_values);
    if (error) co_return;
    total += n;
  }
}

// Plain TCP is read below Beast's timers; the sweep holds its deadlines.
void due_in(Connection& connection, TcpStream&, int ms) { connection.deadline = coarse_now() + milliseconds(ms); }
template <class Stream>
void due_in(Connection&, Stream& stream, int ms) {
  beast::get_lowest_layer(stream).expires_after(milliseconds(ms));
}
void not_due(Connection& connection) { connection.deadline = std::chrono::steady_clock::time_point::max(); }

template <class Stream>
constexpr bool is_plain = std::is_same_v<Stream, TcpStream>;

bool is_parsed(const HeadParser& head) { return head.is_header_done(); }
bool is_parsed(const BodyParser& body) { return body.is_done(); }

// Feeds a parser from the buffer. False: more bytes are needed. By hand: Beast's own operation costs an allocation and
// a turn of the loop even when everything is there already, as it nearly always is. Counts what was parsed.
template <class Parser>
bool parse_here(beast::flat_buffer& buffer, Parser& parser, std::size_t& parsed, ErrorCode& error) {
  while (!is_parsed(parser) && buffer.size() > 0) {
    const std::size_t n = parser.put(buffer.data(), error);
    buffer.consume(n);
    parsed += n;
    if (error) break;
  }
  if (error == beast_http::error::need_more) error = {};
  return error || is_parsed(parser);
}

// The same, with more bytes from the stream.
template <class Stream, class Parser>
awaitable<ErrorCode> parse(Stream& stream, Inlet& inlet, beast::flat_buffer& buffer, Parser& parser,
                           std::size_t& parsed) {
  for (;;) {
    const std::size_t room = std::min(body_read_bytes, buffer.max_size() - buffer.size());
    if (room == 0) co_return beast_http::error::buffer_overflow;
    const auto into = buffer.prepare(room);
    if constexpr (is_plain<Stream>) {
      inlet.read(stream.socket(), into);
      if (inlet.reading()) co_await inlet.over();
      const auto [failed, n] = inlet.got();
      if (failed) co_return failed;
      buffer.commit(n);
    } else {
      const auto [failed, n] = co_await stream.async_read_some(into, as_values);
      if (failed) co_return failed;
      buffer.commit(n);
    }
    ErrorCode error;
    if (parse_here(buffer, parser, parsed, error)) co_return error;
  }
}

// Requests and answers until one side has had enough. True: the client may still be sending; drain before closing.
template <class Stream>
awaitable<bool> converse(ServerState& state, Connection& connection, Stream& stream) {
  const ServerLimits& limits = state.options.limits;
  auto& lowest = beast::get_lowest_layer(stream);
  beast::flat_buffer buffer(limits.header_bytes_max + (64u << 10));
  HeadArena arena;
  Inlet inlet;
  for (bool fresh = true;; fresh = false) {
    if (buffer.size() == 0) {
      if (state.stopping) co_return false;
      due_in(connection, stream, fresh ? limits.header_ms_max : limits.idle_ms_max);
      connection.idle = true;
      const auto into = buffer.prepare(read_bytes);
      ErrorCode ended;
      std::size_t came = 0;
      if constexpr (is_plain<Stream>) {
        inlet.read(stream.socket(), into);
        if (inlet.reading()) co_await inlet.over();
        std::tie(ended, came) = inlet.got();
      } else {
        const auto [error, n] = co_await stream.async_read_some(into, as_values);
        ended = error;
        came = n;
      }
      connection.idle = false;
      not_due(connection);
      if (ended) co_return false;
      buffer.commit(came);
    }
    HeadParser parser = in_arena<HeadParser>(arena);
    parser.header_limit(static_cast<std::uint32_t>(limits.header_bytes_max));
    parser.body_limit(boost::none);
    Heard heard;
    {
      std::size_t n = 0;
      ErrorCode error;
      if (!parse_here(buffer, parser, n, error)) {
        due_in(connection, stream, limits.header_ms_max);
        auto parsing = parse(stream, inlet, buffer, parser, n);
        error = co_await std::move(parsing);
        not_due(connection);
      }
      if (error) {
        const bool large = error == beast_http::error::header_limit || error == beast_http::error::buffer_overflow;
        if (!large && body_error(state, error) != Body::broken) co_return false;
        if (large) ++state.counts.malformed;
        heard.refused = large ? plain(431, "the request head is too large") : plain(400, "this is not HTTP/1.1");
      } else {
        heard = hear(parser, connection.client);
        // Beast looks at the limit only while the end of the head is not there yet.
        if (n > limits.header_bytes_max) heard.refused = plain(431, "the request head is too large");
        if (heard.refused) ++state.counts.malformed;
      }
    }
    ++state.counts.requests;
    http::Request& request = heard.request;
    std::optional<http::Response> answer = std::move(heard.refused);
    bool body_left = answer.has_value();  // what follows in the stream is not the next request

    std::unique_ptr<Passage> passage;
    if (!answer && state.site.passage) {
      auto choice = state.site.passage(request);
      if (choice) {
        passage = *std::move(choice);
      } else {
        answer = std::move(choice.error());
        body_left = !parser.is_done();
      }
    }
    std::unique_ptr<http::Sink> sink;
    const bool may_upload = state.site.upload && (!state.site.may_upload || state.site.may_upload(request));
    if (!answer && !passage && may_upload && !parser.is_done()) {
      if (!room(state)) {
        answer = busy(state);
        body_left = true;
      } else {
        using Choice = std::expected<std::unique_ptr<http::Sink>, http::Response>;
        const auto* upload = &state.site.upload;
        auto choose = [upload, &request] { return std::make_unique<Choice>((*upload)(request)); };
        auto choosing = on_worker<std::unique_ptr<Choice>>(state, choose);
        const std::unique_ptr<Choice> choice = co_await std::move(choosing);
        if (*choice) {
          sink = std::move(**choice);
        } else {
          answer = std::move(choice->error());
          body_left = true;
        }
      }
    }
    if (!answer && !parser.is_done()) {
      const std::size_t body_max =
          state.site.body_bytes_max ? state.site.body_bytes_max(request) : limits.body_bytes_max;
      const auto length = parser.content_length();
      if (!sink && length && *length > body_max) {
        answer = plain(413, "the request body is too large");
        body_left = true;
      } else {
        if (heard.expects_continue && buffer.size() == 0) {
          static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
          const asio::const_buffer bytes = asio::buffer(go_on);
          lowest.expires_after(milliseconds(limits.write_ms_max));
          const auto [error, n] = co_await asio::async_write(stream, bytes, as_values);
          if (error) co_return false;
        }
        Body how = Body::whole;
        if (sink) {
          how = co_await take_upload(state, stream, buffer, parser, *sink, answer);
        } else if (length && *length <= buffer.size()) {
          // It came with the head, as most do.
          request.body.assign(static_cast<const char*>(buffer.data().data()), static_cast<std::size_t>(*length));
          buffer.consume(static_cast<std::size_t>(*length));
        } else {
          BodyParser body(std::move(parser));
          body.body_limit(body_max);
          std::size_t n = 0;
          ErrorCode error;
          if (!parse_here(buffer, body, n, error)) {
            due_in(connection, stream, limits.body_ms_max);
            auto parsing = parse(stream, inlet, buffer, body, n);
            error = co_await std::move(parsing);
            not_due(connection);
          }
          how = error ? body_error(state, error) : Body::whole;
          request.body = std::move(body.get().body());
        }
        if (how == Body::too_large) answer = plain(413, "the request body is too large");
        if (how == Body::broken) answer = plain(400, "the request body is not framed as HTTP says");
        if (how == Body::cut && !answer) co_return false;
        body_left = how != Body::whole;
      }
    }
    if (!answer && passage) {
      const bool goes_on = heard.keep_alive && !state.stopping;
      if constexpr (!is_plain<Stream>) lowest.expires_never();  // of the reads before
      const Passed passed = co_await pass_on(state, stream, request, *passage, goes_on, heard.http11);
      if (passed == Passed::refused) answer = passage->refusal();
      state.note_end();
      if (passed == Passed::closed) co_return false;
      if (passed == Passed::kept) continue;
    }
    if (!answer) {
      if (room(state)) {
        auto handle = [&state, &request] { return handle_safely(state, request); };
        auto handling = on_worker<http::Response>(state, handle);
        answer = co_await std::move(handling);
      } else {
        answer = busy(state);
      }
    }
    const bool keep_alive = heard.keep_alive && !body_left && !state.stopping;
    const bool sent = co_await send(state, stream, request, *answer, keep_alive);
    if (!sent || !keep_alive) co_return sent&& body_left;
  }
}

}  // namespace

awaitable<void> serve_connection(std::shared_ptr<ServerState> state, TcpSocket socket,
                                 std::unique_ptr<Connection> connection) {
  if (!state->identity) {
    TcpStream stream(std::move(socket));
    connection->stream = &stream;
    const bool more = co_await converse(*state, *connection, stream);
    if (more) co_await drain(stream);
    ErrorCode ignored;
    stream.socket().shutdown(TcpSocket::shutdown_both, ignored);
    connection->stream = nullptr;
    co_return;
  }
  const TlsContext shared = state->identity->current();
  SSL_CTX_up_ref(shared.get());
  asio::ssl::context context(shared.get());
  beast::ssl_stream<TcpStream> stream(std::move(socket), context);
  TcpStream& lowest = beast::get_lowest_layer(stream);
  connection->stream = &lowest;
  lowest.expires_after(milliseconds(state->options.limits.header_ms_max));
  const auto [refused] = co_await stream.async_handshake(asio::ssl::stream_base::server, as_values);
  if (refused) {
    ++state->counts.tls_failures;
  } else {
    const bool more = co_await converse(*state, *connection, stream);
    lowest.expires_after(milliseconds(drain_ms_max));
    co_await stream.async_shutdown(as_values);
    if (more) co_await drain(lowest);
  }
  connection->stream = nullptr;
}

}  // namespace hz::net
