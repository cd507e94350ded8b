// Carries one request to another server and its answer back, piece by piece.
//
// The tempting way is to collect the answer and send it when it is whole: one buffer, one write, and every retry is
// possible. But a streamed answer would reach the client when it is over, and a large one would be held whole. So an
// answer passes in pieces of at most 64 KiB, each written before the next is read: a slow client holds back its
// upstream, and memory stays bounded. The price is that after the first byte nothing can be tried again; a broken
// answer then cuts the client's connection, which is the only honest sign HTTP/1.1 has.
//
// While an upstream is waited for, the client's socket is looked at now and then (the sweep, server_state.h): when it
// is closed, the upstream's connection is closed too, so that a model does not compute for nobody.
//
// Reads and parsing are done by hand and not by Beast's composed operations: each of those costs an allocation, a timer
// and a turn of the loop, which together came to a third of what a small request costs.
#pragma once
#include "net/chunks.h"
#include "net/head.h"
#include "net/passage.h"
#include "net/send.h"
#include "net/upstreams.h"

namespace hz::net {

enum class Passed : std::uint8_t {
  kept,     // answered; the client's connection goes on
  closed,   // answered or cut; the client's connection is over
  refused,  // nothing was sent; the passage has a refusal
};

// The request's head as the upstream gets it: without what belongs to this connection and without credentials.
std::string upstream_head(const http::Request& request, const Upstream& to);

enum class AnswerFrame : std::uint8_t { none, length, chunked, to_end };  // to_end: for HTTP/1.0 clients
// The answer's head as the client gets it.
struct AnswerHead {
  int status = 0;
  std::string fields;  // lines, without those that `from` shows in their place
  AnswerFrame frame = AnswerFrame::none;
  std::uint64_t length = 0;
};
std::string answer_head(const AnswerHead& head, const Upstream& from, bool keep_alive, std::string_view date);

// "1f\r\n", written into `digits`.
std::string_view chunk_size_line(std::array<char, 18>& digits, std::size_t bytes);

using AnswerParser = beast::http::response_parser<beast::http::buffer_body, HeadMemory>;
AnswerHead read_answer_head(AnswerParser& parser, const Upstream& from, bool head_only, bool chunks_understood);

// What one try works on.
template <class Stream>
struct Try {
  ServerState& state;
  Stream& client;
  const http::Request& request;
  Passage& passage;
  const Upstream& to;
  UpstreamLink& link;
  bool keep_alive, chunks_understood;
  Tried tried = {};
  Passing* passing = nullptr;

  void wait_at_most(int ms) { passing->deadline = coarse_now() + std::chrono::milliseconds(ms); }
};

// More bytes of an upstream behind TLS, at most a piece. False: it has ended, or is waited for no longer.
template <class Stream>
awaitable<bool> read_tls(Try<Stream>& t) {
  auto& buffer = t.link.buffer;
  const std::size_t room = std::min(upstream_piece_bytes, buffer.max_size() - buffer.size());
  if (room == 0) co_return false;
  const auto into = buffer.prepare(room);
  const auto [error, n] = co_await t.link.tls->async_read_some(into, as_values);
  buffer.commit(n);
  co_return !error && n > 0;
}

// Connects where needed, asks, and waits for the answer's head. False: `tried` says what went wrong.
template <class Stream>
awaitable<bool> ask(Try<Stream>& t, AnswerParser& parser) {
  using std::chrono::milliseconds;
  TcpStream& upstream = t.link.stream;
  if (!t.link.connected) {
    upstream.expires_after(milliseconds(t.to.connect_ms_max));
    const auto [error] = co_await upstream.async_connect(t.link.endpoint, as_values);
    if (error) {
      t.tried.end = TryEnd::unreachable;
      co_return false;
    }
    ErrorCode ignored;
    upstream.socket().set_option(tcp::no_delay(true), ignored);
    upstream.expires_never();
    if (t.link.tls) {
      t.wait_at_most(t.to.connect_ms_max);
      const auto [refused] = co_await t.link.tls->async_handshake(asio::ssl::stream_base::client, as_values);
      if (refused) {
        t.tried.end = TryEnd::unreachable;
        co_return false;
      }
    }
    t.link.connected = true;
  }
  const std::string head = upstream_head(t.request, t.to);
  const std::string& body = t.to.body ? *t.to.body : t.request.body;
  const std::array<asio::const_buffer, 2> both = {asio::buffer(head), asio::buffer(body)};
  t.wait_at_most(t.to.first_byte_ms_max);
  const std::size_t sent = t.link.tls ? 0 : write_now(upstream.socket(), both);
  if (t.link.tls) {
    co_await asio::async_write(*t.link.tls, both, as_values);
  } else if (sent < head.size() + body.size()) {
    // An upstream may answer and close before it has read everything: its answer is still worth reading.
    beast::buffers_suffix<std::array<asio::const_buffer, 2>> rest(both);
    rest.consume(sent);
    co_await asio::async_write(upstream.socket(), rest, as_values);
  }
  t.tried.request_bytes = body.size();
  while (!parser.is_header_done()) {
    bool more = false;
    if (t.link.tls) {
      more = co_await read_tls(t);
    } else if (t.link.listen()) {
      if (t.link.inlet.reading()) co_await t.link.inlet.over();
      more = t.link.heard();
    }
    if (!more) {
      t.tried.end = t.passing->late                                    ? TryEnd::late
                    : t.link.buffer.size() == t.link.buffer.max_size() ? TryEnd::not_http
                                                                       : TryEnd::closed;
      co_return false;
    }
    ErrorCode error;
    t.link.buffer.consume(parser.put(t.link.buffer.data(), error));
    if (error && error != beast::http::error::need_more) {
      t.tried.end = TryEnd::not_http;
      co_return false;
    }
  }
  if (parser.get().result_int() >= 200) co_return true;
  // 1xx was not asked for: upstream_head leaves `expect` and `upgrade` out.
  t.tried.end = TryEnd::not_http;
  co_return false;
}

// The rest of an answer with a length. The head goes with the first piece, so until then the try can still fail
// without a trace.
template <class Stream>
awaitable<bool> relay_length(Try<Stream>& t, const std::string& head, std::uint64_t left) {
  auto& buffer = t.link.buffer;
  for (bool first = true; first || left > 0; first = false) {
    if (buffer.size() == 0 && left > 0) {
      t.wait_at_most(t.to.pause_ms_max);
      bool more = false;
      if (t.link.tls) {
        more = co_await read_tls(t);
      } else if (t.link.listen()) {
        if (t.link.inlet.reading()) co_await t.link.inlet.over();
        more = t.link.heard();
      }
      if (!more) {
        t.tried.end = !first ? TryEnd::cut : t.passing->late ? TryEnd::late : TryEnd::closed;
        co_return false;
      }
    }
    const auto n_now = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), left));
    const std::string_view piece(static_cast<const char*>(buffer.data().data()), n_now);
    t.passage.saw(piece);
    const std::array<asio::const_buffer, 2> both = {first ? asio::buffer(head) : asio::const_buffer(),
                                                    asio::buffer(piece.data(), piece.size())};
    std::size_t taken = 0;
    bool sent = write_all_now(t.state, t.client, both, taken);
    if (!sent) sent = co_await write_rest(t.state, t.client, both, taken);
    if (!sent) {
      t.tried.end = TryEnd::client_gone;
      co_return false;
    }
    buffer.consume(n_now);
    left -= n_now;
    t.tried.answer_bytes += n_now;
  }
  co_return true;
}

// An answer in chunks, or one that lasts until the connection ends: each piece as it comes.
template <class Stream>
awaitable<bool> relay_pieces(Try<Stream>& t, bool chunked, std::string head, bool chunks) {
  // The head at once: a client of a stream waits for it before the first event is there.
  const asio::const_buffer before = asio::buffer(head);
  const bool begun = co_await write_all(t.state, t.client, before);
  if (!begun) {
    t.tried.end = TryEnd::client_gone;
    co_return false;
  }
  auto& buffer = t.link.buffer;
  ChunkReader reader;
  std::string piece;
  for (bool ended = false; !ended;) {
    piece.clear();
    bool broken = false;
    // Whatever stands in the buffer: one event may come in several chunks.
    if (buffer.size() > 0) {
      const std::string_view in(static_cast<const char*>(buffer.data().data()), buffer.size());
      if (chunked) {
        buffer.consume(reader.read(in, piece));
      } else {
        piece = in;
        buffer.consume(in.size());
      }
      ended = reader.done();
      broken = reader.broken();
    }
    if (piece.empty() && !ended && !broken) {
      t.wait_at_most(t.to.pause_ms_max);
      // As in ask(): each event comes through here, and finds the caches cold.
      bool more = false;
      if (t.link.tls) {
        more = co_await read_tls(t);
      } else if (t.link.listen()) {
        if (t.link.inlet.reading()) co_await t.link.inlet.over();
        more = t.link.heard();
      }
      if (more) continue;
      // Its end ends an answer that has no other.
      ended = !chunked && !t.passing->late && !t.passing->client_gone;
      broken = !ended;
    }
    if (!piece.empty()) {
      t.passage.saw(piece);
      std::array<char, 18> digits;
      const std::string_view size = chunks ? chunk_size_line(digits, piece.size()) : std::string_view();
      const std::array<asio::const_buffer, 3> all = {asio::buffer(size), asio::buffer(piece),
                                                     chunks ? asio::buffer("\r\n", 2) : asio::const_buffer()};
      std::size_t taken = 0;
      bool sent = write_all_now(t.state, t.client, all, taken);
      if (!sent) sent = co_await write_rest(t.state, t.client, all, taken);
      if (!sent) {
        t.tried.end = TryEnd::client_gone;
        co_return false;
      }
      t.tried.answer_bytes += piece.size();
    }
    if (broken) {
      t.tried.end = TryEnd::cut;
      co_return false;
    }
  }
  if (!chunks) co_return true;
  const asio::const_buffer last = asio::buffer("0\r\n\r\n", 5);
  const bool sent = co_await write_all(t.state, t.client, last);
  if (!sent) t.tried.end = TryEnd::client_gone;
  co_return sent;
}

// One try; true when the link may be used again.
template <class Stream>
awaitable<bool> try_once(Try<Stream>& t) {
  const auto started = std::chrono::steady_clock::now();
  const auto us_now = [started] {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - started).count();
  };
  AnswerParser parser = in_arena<AnswerParser>(t.link.fields);
  parser.header_limit(static_cast<std::uint32_t>(upstream_head_bytes_max));
  parser.body_limit(boost::none);
  const bool head_only = t.request.method == "HEAD";
  if (head_only) parser.skip(true);
  Passing passing(t.state, beast::get_lowest_layer(t.client).socket(), t.link.stream);
  passing.deadline = std::chrono::steady_clock::time_point::max();
  t.passing = &passing;
  t.tried.kept = t.link.connected;
  bool good = co_await ask(t, parser);
  bool to_end = !t.keep_alive;
  if (good && !t.passage.takes(static_cast<int>(parser.get().result_int()))) {
    t.tried.end = TryEnd::declined;
    t.tried.status = static_cast<int>(parser.get().result_int());
    good = false;
  }
  if (good) {
    t.tried.first_byte_us = us_now();
    const AnswerHead answer = read_answer_head(parser, t.to, head_only, t.chunks_understood);
    t.tried.status = answer.status;
    to_end = answer.frame == AnswerFrame::to_end || to_end;
    std::string head = answer_head(answer, t.to, !to_end, t.state.date_now());
    if (answer.frame == AnswerFrame::length || answer.frame == AnswerFrame::none)
      good = co_await relay_length(t, head, answer.length);
    else
      good = co_await relay_pieces(t, parser.chunked(), std::move(head), answer.frame == AnswerFrame::chunked);
  }
  t.keep_alive = !to_end;
  if (!good && passing.client_gone) t.tried.end = TryEnd::client_gone;
  const auto kind = static_cast<std::size_t>(t.tried.status / 100);
  if (good && kind < t.state.counts.by_class.size()) ++t.state.counts.by_class[kind];
  t.tried.total_us = us_now();
  co_return good&& parser.keep_alive() && !parser.need_eof() && t.link.buffer.size() == 0;
}

// `keep_alive`: the client's connection may go on; `chunks_understood`: it speaks HTTP/1.1.
template <class Stream>
awaitable<Passed> pass_on(ServerState& state, Stream& client, const http::Request& request, Passage& passage,
                          bool keep_alive, bool chunks_understood) {
  passage.arrived(request);
  if (state.site.settle_passages) {
    if (state.is_alone())
      state.site.settle_passages();
    else
      co_await state.end_of_turn();
  }
  for (;;) {
    const std::optional<Upstream> to = passage.next();
    if (!to) co_return Passed::refused;
    const UpstreamPlace place{to->address, to->port, to->pin};
    auto link = state.upstreams.take(state.io, place);
    if (!link) {
      passage.ended({.end = TryEnd::unreachable});
      continue;
    }
    Try<Stream> t{state, client, request, passage, *to, *link, keep_alive, chunks_understood};
    const bool reusable = co_await try_once(t);
    if (reusable && !state.stopping) state.upstreams.keep(place, std::move(link));
    link.reset();
    passage.ended(t.tried);
    switch (t.tried.end) {
      case TryEnd::whole:
        co_return t.keep_alive ? Passed::kept : Passed::closed;
      case TryEnd::cut:
      case TryEnd::client_gone:
        co_return Passed::closed;
      default:
        break;
    }
  }
}

}  // namespace hz::net
