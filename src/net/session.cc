// One connection, from accept to close.
//
// The coroutine below is the whole life of a connection and reads from top to bottom; whatever has to wait stands
// behind a co_await with a deadline set before it. A deadline covers a phase, not a byte, so dripping bytes buys no
// time: the stream's timer closes the socket and the next co_await returns an error. Where a client was refused before
// its body was read, the answer is sent, our side is shut, and what still arrives is thrown away for a moment, because
// closing at once would make the kernel reset the connection and take the answer with it.
//
// g++ 12: nothing inside a co_await expression but names (docs/decisions/0002).
#include <boost/asio/post.hpp>
#include <chrono>

#include "net/head.h"
#include "net/range.h"
#include "net/server_state.h"

namespace hz::net {
namespace {

namespace beast_http = beast::http;
using HeadParser = beast_http::request_parser<beast_http::empty_body>;
using BodyParser = beast_http::request_parser<beast_http::string_body>;
using std::chrono::milliseconds;

constexpr std::size_t read_bytes = 16u << 10;
constexpr std::size_t write_bytes = 1u << 20;
constexpr std::size_t piece_bytes = 256u << 10;  // of a source or an upload
constexpr std::size_t drain_bytes_max = 1u << 20;
constexpr int drain_ms_max = 2000;

// Calls the work on a worker and comes back to the I/O thread with what it returned. There must be room in the queue:
// only the I/O thread adds, so `room()` before it holds.
template <class T, class Work>
awaitable<T> on_worker(ServerState& state, Work work) {
  auto begin = [&state](auto done, Work todo) {
    Workers::Task task = [&state, finished = std::move(done), todo = std::move(todo)]() mutable {
      T result = todo();
      asio::post(state.io, [finished = std::move(finished), result = std::move(result)]() mutable {
        std::move(finished)(std::move(result));
      });
    };
    const bool added = state.workers.try_add(task);
    HZ_ASSERT(added);
  };
  return asio::async_initiate<const asio::use_awaitable_t<>, void(T)>(begin, asio::use_awaitable, std::move(work));
}

bool room(ServerState& state) { return state.workers.waiting() < state.options.limits.queue_max; }

http::Response plain(int status, std::string_view text) {
  return {.status = status,
          .headers = {{"content-type", "text/plain; charset=utf-8"}, {"cache-control", "no-store"}},
          .body = std::string(text) + "\n"};
}

http::Response busy(ServerState& state) {
  ++state.counts.busy;
  http::Response out = plain(503, "every worker is busy; try again");
  out.headers.push_back({"retry-after", "1"});
  return out;
}

http::Response handle_safely(const ServerState& state, const http::Request& request) {
  try {
    return state.site.handle(request);
  } catch (const std::exception& e) {
    return plain(500, "internal error");
  }
}

// What HTTP says about a head, before anybody looks at the resource.
struct Heard {
  http::Request request;
  bool keep_alive = true;
  bool expects_continue = false;
  std::optional<http::Response> refused;
};

Heard hear(const HeadParser& parser, const std::string& client) {
  Heard out;
  const auto& head = parser.get();
  http::Request& r = out.request;
  r.method = std::string(head.method_string());
  r.client = client;
  int hosts = 0, encodings = 0;
  for (const auto& field : head) {
    std::string name(field.name_string());
    for (char& c : name)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    hosts += name == "host";
    encodings += name == "transfer-encoding";
    r.headers.push_back({std::move(name), std::string(field.value())});
  }
  std::string_view target(head.target().data(), head.target().size());
  if (target.starts_with("http://") || target.starts_with("https://")) {  // absolute-form: its authority is the host
    target.remove_prefix(target.find("//") + 2);
    const auto end = std::min(target.find('/'), target.size());
    for (http::Header& h : r.headers)
      if (h.name == "host") h.value = target.substr(0, end);
    target.remove_prefix(end);
    if (target.empty()) target = "/";
  }
  const auto mark = std::min(target.find('?'), target.size());
  r.path = target.substr(0, mark);
  if (mark < target.size()) r.query = target.substr(mark + 1);
  const bool whole_server = r.path == "*" && r.method == "OPTIONS";

  const bool http11 = head.version() == 11;
  out.keep_alive = http11 && head.keep_alive();
  const std::string_view expects = http::header(r.headers, "expect");
  out.expects_continue = http11 && beast::iequals({expects.data(), expects.size()}, "100-continue");
  const std::string coding(http::header(r.headers, "transfer-encoding"));
  if (head.version() != 10 && !http11)
    out.refused = plain(505, "HTTP/1.1 is spoken here");
  else if (hosts > 1 || (http11 && hosts == 0))
    out.refused = plain(400, "one Host header is needed");
  // Beast passes over encodings it does not know, and would take the body for the next request.
  else if (encodings > 1 || (encodings == 1 && (!http11 || !beast::iequals(coding, "chunked"))))
    out.refused = plain(400, "chunked is the only transfer encoding");
  else if (!is_path(r.path) && !whole_server)
    out.refused = plain(400, "the request target is not a path");
  else if (!expects.empty() && !out.expects_continue)
    out.refused = plain(417, "only 100-continue can be expected");
  return out;
}

// Sends head and body; the body is not copied. False: the connection is over.
template <class Stream>
awaitable<bool> send(ServerState& state, Stream& stream, const http::Request& request, http::Response& response,
                     bool keep_alive) {
  auto& lowest = beast::get_lowest_layer(stream);
  const milliseconds patience(state.options.limits.write_ms_max);
  const bool bodiless = response.status == 204 || response.status == 304;
  Range range{Range::Kind::whole, 0, 0};
  if (response.source) {
    range = {Range::Kind::whole, 0, response.source->size()};
    response.headers.push_back({"accept-ranges", "bytes"});
    const std::string_view asked = http::header(request.headers, "range");
    // If-Range would need a validator; without one the whole is the right answer.
    if (response.status == 200 && request.method == "GET" && !asked.empty() &&
        http::header(request.headers, "if-range").empty())
      range = parse_range(asked, range.length);
    if (range.kind == Range::Kind::part) {
      response.status = 206;
      response.headers.push_back(
          {"content-range",
           fmt::format("bytes {}-{}/{}", range.offset, range.offset + range.length - 1, response.source->size())});
    } else if (range.kind == Range::Kind::unsatisfiable) {
      response.headers.push_back({"content-range", fmt::format("bytes */{}", response.source->size())});
      response.status = 416;
      response.source = nullptr;
      response.body.clear();
    }
  }
  const std::uint64_t length = response.source ? range.length : response.body.size();
  const std::string head = response_head(response, Framing{bodiless ? 0 : length, keep_alive, state.date_now()});
  const bool with_body = request.method != "HEAD" && !bodiless;
  const auto kind = static_cast<std::size_t>(response.status / 100);
  if (kind < state.counts.by_class.size()) ++state.counts.by_class[kind];

  std::string_view rest = with_body && !response.source ? std::string_view(response.body) : std::string_view{};
  const std::string_view first = rest.substr(0, write_bytes);
  rest.remove_prefix(first.size());
  const std::array<asio::const_buffer, 2> both = {asio::buffer(head), asio::buffer(first.data(), first.size())};
  lowest.expires_after(patience);
  {
    const auto [error, n] = co_await asio::async_write(stream, both, as_values);
    state.counts.bytes_out += n;
    if (error == beast::error::timeout) ++state.counts.deadlines;
    if (error) co_return false;
  }
  while (!rest.empty()) {
    const asio::const_buffer piece(rest.data(), std::min(rest.size(), write_bytes));
    rest.remove_prefix(piece.size());
    lowest.expires_after(patience);
    const auto [error, n] = co_await asio::async_write(stream, piece, as_values);
    state.counts.bytes_out += n;
    if (error == beast::error::timeout) ++state.counts.deadlines;
    if (error) co_return false;
  }
  if (!with_body || !response.source) co_return true;

  std::vector<std::uint8_t> piece(static_cast<std::size_t>(std::min<std::uint64_t>(piece_bytes, range.length)));
  for (std::uint64_t done = 0; done < range.length;) {
    const auto n_wanted = static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), range.length - done));
    // The length is promised: whatever goes wrong now can only cut the connection.
    if (!room(state)) co_return false;
    http::Source* source = response.source.get();
    const std::uint64_t at = range.offset + done;
    const std::span<std::uint8_t> out(piece.data(), n_wanted);
    auto read = [source, at, out] { return source->read(at, out).has_value(); };
    auto reading = on_worker<bool>(state, read);
    const bool good = co_await std::move(reading);
    if (!good) co_return false;
    const asio::const_buffer bytes(piece.data(), n_wanted);
    lowest.expires_after(patience);
    const auto [error, n] = co_await asio::async_write(stream, bytes, as_values);
    state.counts.bytes_out += n;
    if (error == beast::error::timeout) ++state.counts.deadlines;
    if (error) co_return false;
    done += n_wanted;
  }
  co_return true;
}

// Our side says goodbye, and what still arrives is thrown away for a moment.
awaitable<void> drain(beast::tcp_stream& stream) {
  ErrorCode ignored;
  stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
  std::array<char, 4096> scrap;
  const asio::mutable_buffer into = asio::buffer(scrap);
  stream.expires_after(milliseconds(drain_ms_max));
  for (std::size_t total = 0; total < drain_bytes_max;) {
    const auto [error, n] = co_await stream.async_read_some(into, as_values);
    if (error) co_return;
    total += n;
  }
}

// How a body went.
enum class Body { whole, too_large, broken, cut };

Body body_error(ServerState& state, const ErrorCode& error) {
  if (error == beast_http::error::body_limit) return Body::too_large;
  if (error == beast::error::timeout) ++state.counts.deadlines;
  // The parser's own complaints are answered; a socket that is gone is not.
  const bool syntax = error.category() == make_error_code(beast_http::error::bad_chunk).category() &&
                      error != beast_http::error::end_of_stream && error != beast_http::error::partial_message;
  if (syntax) ++state.counts.malformed;
  return syntax ? Body::broken : Body::cut;
}

// Feeds an upload into its sink, a piece at a time. `answer` is set when the sink is done or has had enough.
template <class Stream>
awaitable<Body> take_upload(ServerState& state, Stream& stream, beast::flat_buffer& buffer, HeadParser& head,
                            http::Sink& sink, std::optional<http::Response>& answer) {
  auto& lowest = beast::get_lowest_layer(stream);
  beast_http::request_parser<beast_http::buffer_body> parser(std::move(head));
  std::vector<char> piece(piece_bytes);
  while (!parser.is_done()) {
    parser.get().body().data = piece.data();
    parser.get().body().size = piece.size();
    parser.get().body().more = true;
    lowest.expires_after(milliseconds(state.options.limits.body_ms_max));
    const auto [error, n] = co_await beast_http::async_read(stream, buffer, parser, as_values);
    if (error && error != beast_http::error::need_buffer) co_return body_error(state, error);
    if (!room(state)) {
      answer = busy(state);
      co_return Body::cut;
    }
    const std::string_view window(piece.data(), piece.size() - parser.get().body().size);
    auto write = [&sink, window] {
      auto taken = sink.write(as_bytes(window));
      return taken ? http::Response{.status = 0}
                   : plain(http_status(taken.error().reason->code), taken.error().reason->what);
    };
    auto writing = on_worker<http::Response>(state, write);
    http::Response refused = co_await std::move(writing);
    if (refused.status != 0) {
      answer = std::move(refused);
      co_return parser.is_done() ? Body::whole : Body::cut;
    }
  }
  auto finish = [&sink] { return sink.finish(); };
  auto finishing = on_worker<http::Response>(state, finish);
  answer = co_await std::move(finishing);
  co_return Body::whole;
}

// Requests and answers until one side has had enough. True: the client may still be sending; drain before closing.
template <class Stream>
awaitable<bool> converse(ServerState& state, Connection& connection, Stream& stream) {
  const ServerLimits& limits = state.options.limits;
  auto& lowest = beast::get_lowest_layer(stream);
  beast::flat_buffer buffer(limits.header_bytes_max + (64u << 10));
  for (bool fresh = true;; fresh = false) {
    if (buffer.size() == 0) {
      if (state.stopping) co_return false;
      lowest.expires_after(milliseconds(fresh ? limits.header_ms_max : limits.idle_ms_max));
      connection.idle = true;
      const auto into = buffer.prepare(read_bytes);
      const auto [error, n] = co_await stream.async_read_some(into, as_values);
      connection.idle = false;
      if (error) co_return false;
      buffer.commit(n);
    }
    HeadParser parser;
    parser.header_limit(static_cast<std::uint32_t>(limits.header_bytes_max));
    parser.body_limit(boost::none);
    lowest.expires_after(milliseconds(limits.header_ms_max));
    Heard heard;
    {
      const auto [error, n] = co_await beast_http::async_read_header(stream, buffer, parser, as_values);
      if (error) {
        const bool large = error == beast_http::error::header_limit || error == beast_http::error::buffer_overflow;
        if (!large && body_error(state, error) != Body::broken) co_return false;
        if (large) ++state.counts.malformed;
        heard.refused = large ? plain(431, "the request head is too large") : plain(400, "this is not HTTP/1.1");
      } else {
        heard = hear(parser, connection.client);
        if (heard.refused) ++state.counts.malformed;
      }
    }
    ++state.counts.requests;
    http::Request& request = heard.request;
    std::optional<http::Response> answer = std::move(heard.refused);
    bool body_left = answer.has_value();  // what follows in the stream is not the next request

    std::unique_ptr<http::Sink> sink;
    if (!answer && state.site.upload && !parser.is_done()) {
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
        } else {
          BodyParser body(std::move(parser));
          body.body_limit(body_max);
          lowest.expires_after(milliseconds(limits.body_ms_max));
          const auto [error, n] = co_await beast_http::async_read(stream, buffer, body, as_values);
          how = error ? body_error(state, error) : Body::whole;
          request.body = std::move(body.get().body());
        }
        if (how == Body::too_large) answer = plain(413, "the request body is too large");
        if (how == Body::broken) answer = plain(400, "the request body is not framed as HTTP says");
        if (how == Body::cut && !answer) co_return false;
        body_left = how != Body::whole;
      }
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

awaitable<void> serve_connection(std::shared_ptr<ServerState> state, tcp::socket socket,
                                 std::unique_ptr<Connection> connection) {
  if (!state->identity) {
    beast::tcp_stream stream(std::move(socket));
    connection->stream = &stream;
    const bool more = co_await converse(*state, *connection, stream);
    if (more) co_await drain(stream);
    ErrorCode ignored;
    stream.socket().shutdown(tcp::socket::shutdown_both, ignored);
    connection->stream = nullptr;
    co_return;
  }
  const TlsContext shared = state->identity->current();
  SSL_CTX_up_ref(shared.get());
  asio::ssl::context context(shared.get());
  beast::ssl_stream<beast::tcp_stream> stream(std::move(socket), context);
  beast::tcp_stream& lowest = beast::get_lowest_layer(stream);
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
