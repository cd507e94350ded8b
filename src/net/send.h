// Sends one answer: head and body in one write, large bodies and sources piece by piece, each with its own deadline.
#pragma once
#include <sys/socket.h>

#include <boost/beast/core/buffers_suffix.hpp>
#include <chrono>

#include "net/head.h"
#include "net/on_worker.h"
#include "net/range.h"

namespace hz::net {

inline constexpr std::size_t write_bytes = 1u << 20;
inline constexpr std::size_t piece_bytes = 256u << 10;  // of a source or an upload

// Hands the kernel what it takes at once, without a timer or a turn of the loop: nearly every answer fits into the
// socket's buffer. How much that was; errors show at the next write.
template <class Buffers>
std::size_t write_now(TcpSocket& socket, const Buffers& buffers) {
  std::array<iovec, 4> parts;
  std::size_t n = 0;
  for (auto it = asio::buffer_sequence_begin(buffers); it != asio::buffer_sequence_end(buffers); ++it) {
    const asio::const_buffer part = *it;
    if (part.size() == 0) continue;
    if (n == parts.size()) break;
    parts[n++] = {const_cast<void*>(part.data()), part.size()};
  }
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = n;
  const auto sent = n == 0 ? 0 : ::sendmsg(socket.native_handle(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent > 0 ? static_cast<std::size_t>(sent) : 0;
}

// The kernel took all of it: the usual case, spared a coroutine. Else how much it took is in `sent`; write_rest goes
// on.
template <class Stream, class Buffers>
bool write_all_now(ServerState& state, Stream& stream, const Buffers& all, std::size_t& sent) {
  sent = 0;
  if constexpr (std::is_same_v<Stream, TcpStream>) {
    sent = write_now(stream.socket(), all);
    state.counts.bytes_out += sent;
    return sent == asio::buffer_size(all);
  }
  return false;
}

// Sends what comes after the first `sent` bytes, within the write deadline. False: the connection is over.
template <class Stream, class Buffers>
awaitable<bool> write_rest(ServerState& state, Stream& stream, const Buffers& all, std::size_t sent) {
  beast::buffers_suffix<Buffers> buffers(all);
  buffers.consume(sent);
  beast::get_lowest_layer(stream).expires_after(std::chrono::milliseconds(state.options.limits.write_ms_max));
  const auto [error, n] = co_await asio::async_write(stream, buffers, as_values);
  beast::get_lowest_layer(stream).expires_never();
  state.counts.bytes_out += n;
  if (error == beast::error::timeout) ++state.counts.deadlines;
  co_return !error;
}

// Both. False: the connection is over.
template <class Stream, class Buffers>
awaitable<bool> write_all(ServerState& state, Stream& stream, const Buffers& all) {
  std::size_t sent = 0;
  if (write_all_now(state, stream, all, sent)) co_return true;
  co_return co_await write_rest(state, stream, all, sent);
}

// Sends head and body; the body is not copied. False: the connection is over.
template <class Stream>
awaitable<bool> send(ServerState& state, Stream& stream, const http::Request& request, http::Response& response,
                     bool keep_alive) {
  const bool bodiless = response.status == 204 || response.status == 304;
  const Range range = choose_range(request, response);
  const std::uint64_t length = response.source ? range.length : response.body.size();
  const std::string head = response_head(response, Framing{bodiless ? 0 : length, keep_alive, state.date_now()});
  const bool with_body = request.method != "HEAD" && !bodiless;
  const auto kind = static_cast<std::size_t>(response.status / 100);
  if (kind < state.counts.by_class.size()) ++state.counts.by_class[kind];

  std::string_view rest = with_body && !response.source ? std::string_view(response.body) : std::string_view{};
  const std::string_view first = rest.substr(0, write_bytes);
  rest.remove_prefix(first.size());
  const std::array<asio::const_buffer, 2> both = {asio::buffer(head), asio::buffer(first.data(), first.size())};
  bool sent = co_await write_all(state, stream, both);
  if (!sent) co_return false;
  while (!rest.empty()) {
    const asio::const_buffer piece(rest.data(), std::min(rest.size(), write_bytes));
    rest.remove_prefix(piece.size());
    sent = co_await write_all(state, stream, piece);
    if (!sent) co_return false;
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
    sent = co_await write_all(state, stream, bytes);
    if (!sent) co_return false;
    done += n_wanted;
  }
  co_return true;
}

}  // namespace hz::net
