// What comes in over one plain TCP socket, read with no system call that finds nothing.
//
// Asio tries to read before it waits. A server that has just answered, or a gateway that has just asked, has nothing to
// read yet: the try is a system call for nothing, two for every request that passes. Waiting first (async_wait) costs
// one as well, since Asio then arms epoll anew. But epoll's edges say by themselves when there is something new, and
// Asio's reactor keeps a flag for each socket that an operation may clear by saying that nothing is left; it only never
// does for TCP, where a short read may be followed by an end that came along with the data and has no edge of its own.
// The kernel tells the two apart when asked (TCP_INQ): zero after a read means no byte and no end. That is what the
// operation here asks for and says, and all it does differently.
//
// A read may stay under way while nobody waits for it: over a kept connection it tells whether something has come that
// nobody asked for, without a look.
#pragma once
#include "net/asio.h"

namespace hz::net {

// Resumes a coroutine that waits; called on the I/O thread, outside of others.
using Resume = asio::async_result<asio::use_awaitable_t<Executor>, void()>::handler_type;

class Inlet {
 public:
  Inlet() = default;
  Inlet(const Inlet&) = delete;
  ~Inlet();

  // Begins to read what comes into `into`, which stays where it is until then. Nothing when a read is under way. The
  // socket is connected, nothing else reads from it meanwhile, and closing it ends the read.
  void read(TcpSocket& socket, asio::mutable_buffer into);
  // A read is under way and nothing has come.
  bool reading() const;
  // Until the read under way is over: `if (inlet.reading()) co_await inlet.over();`
  awaitable<void> over();
  // Of the read that is over: how many bytes, at least one; or an error, eof when the other side has ended.
  std::pair<ErrorCode, std::size_t> got() const;

 private:
  struct Op;
  Op* op_ = nullptr;  // lives on alone when it is under way as this ends
};

}  // namespace hz::net
