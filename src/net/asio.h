// The one place that includes Asio and Beast, for this folder only. Every operation hands its error back as a value.
#pragma once
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <chrono>
#include <ctime>
#include <memory_resource>

namespace hz::net {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
// Everything here runs on a plain io_context. Saying so by type spares each operation the copies of a type-erased
// executor.
using Executor = asio::io_context::executor_type;
template <class T>
using awaitable = asio::awaitable<T, Executor>;
using TcpSocket = asio::basic_stream_socket<tcp, Executor>;
using TcpAcceptor = asio::basic_socket_acceptor<tcp, Executor>;
using TcpStream = beast::basic_stream<tcp, Executor, beast::unlimited_rate_policy>;
using Timer =
    asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, Executor>;
using ErrorCode = boost::system::error_code;

// Where a parser keeps the fields of one head: a piece of memory that stays with the connection, and the heap only for
// larger heads. Beast allocates each field by itself otherwise, which shows in a gateway.
using HeadMemory = std::pmr::polymorphic_allocator<char>;
class HeadArena {
 public:
  // For the next head: that of the last one, and its parser, must be gone.
  HeadMemory fresh() {
    fields_.release();
    return HeadMemory(&fields_);
  }

 private:
  std::array<std::byte, 1536> room_;
  std::pmr::monotonic_buffer_resource fields_{room_.data(), room_.size()};
};
template <class Parser>
Parser in_arena(HeadArena& arena) {
  return Parser(std::piecewise_construct, std::make_tuple(), std::make_tuple(arena.fresh()));
}

// Of steady_clock, up to one tick of the kernel (4 ms) behind: for deadlines that the sweep looks after, at a fifth of
// the price.
inline std::chrono::steady_clock::time_point coarse_now() {
  timespec t;
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
  return std::chrono::steady_clock::time_point(std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec));
}

// `auto [error, n] = co_await stream.async_read_some(buffer, as_values);`
inline constexpr asio::as_tuple_t<asio::use_awaitable_t<Executor>> as_values{};

}  // namespace hz::net
