// Receives one body: how that can end, and uploads, which go into their sink piece by piece.
#pragma once
#include "net/hear.h"
#include "net/send.h"

namespace hz::net {

// How a body went.
enum class Body { whole, too_large, broken, cut };

inline Body body_error(ServerState& state, const ErrorCode& error) {
  if (error == beast::http::error::body_limit) return Body::too_large;
  if (error == beast::error::timeout) ++state.counts.deadlines;
  // The parser's own complaints are answered; a socket that is gone is not.
  const bool syntax = error.category() == make_error_code(beast::http::error::bad_chunk).category() &&
                      error != beast::http::error::end_of_stream && error != beast::http::error::partial_message;
  if (syntax) ++state.counts.malformed;
  return syntax ? Body::broken : Body::cut;
}

// Nobody is free.
inline http::Response busy(ServerState& state) {
  ++state.counts.busy;
  http::Response out = plain(503, "every worker is busy; try again");
  out.headers.push_back({"retry-after", "1"});
  return out;
}

// Feeds an upload into its sink, a piece at a time. `answer` is set when the sink is done or has had enough.
template <class Stream>
awaitable<Body> take_upload(ServerState& state, Stream& stream, beast::flat_buffer& buffer, HeadParser& head,
                            http::Sink& sink, std::optional<http::Response>& answer) {
  auto& lowest = beast::get_lowest_layer(stream);
  beast::http::request_parser<beast::http::buffer_body, HeadMemory> parser(std::move(head));
  std::vector<char> piece(piece_bytes);
  while (!parser.is_done()) {
    parser.get().body().data = piece.data();
    parser.get().body().size = piece.size();
    parser.get().body().more = true;
    lowest.expires_after(std::chrono::milliseconds(state.options.limits.body_ms_max));
    const auto [error, n] = co_await beast::http::async_read(stream, buffer, parser, as_values);
    if (error && error != beast::http::error::need_buffer) co_return body_error(state, error);
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

}  // namespace hz::net
