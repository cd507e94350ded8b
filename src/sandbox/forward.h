// The one door of a jailed server: connections of a listening socket outside are carried to a port inside.
//
// The simpler way is to hand the server the listening socket itself. It costs nothing and leaks: a process that holds a
// TCP socket of the outer network can disconnect it and connect it anywhere, past its own empty namespace. So the
// server has no socket of the outside at all; whoever carries the bytes stands in the namespace, holds the outer
// socket, and is ours. The price is one more copy, measured in docs/decisions/0125.
//
// Single thread, level-triggered. A connection has no buffer until one side is slower than the other; then that
// direction reads no more before what it read is written.
#pragma once
#include <list>

#include "base/fs.h"

namespace hz::sandbox {

class Forwarder {
 public:
  // `listener` is a listening, non-blocking socket; both descriptors stay the caller's.
  Forwarder(int epoll, int listener, std::uint16_t inner_port, std::size_t connections_max);
  ~Forwarder();
  Forwarder(const Forwarder&) = delete;
  Forwarder& operator=(const Forwarder&) = delete;

  // What epoll_event.data.ptr said, when it is none of the caller's own.
  void serve(void* tag, std::uint32_t events);
  // After a batch of events: only then is what ended in it forgotten.
  void bury() { graveyard_.clear(); }

 private:
  struct Pair;
  struct End {
    Pair* pair = nullptr;
    Fd fd;
    Bytes waiting;  // read from the other end, not yet written here
    std::size_t written = 0;
    bool finished = false;  // nothing more comes from here
    bool shut = false;      // nothing more goes to here
    std::uint32_t asked = 0;
  };
  struct Pair {
    End client, server;
    bool dead = false;
    std::list<Pair>::iterator self;
  };
  void accept_all();
  void pump(End& from, End& to);
  bool flush(End& to);
  void ask(Pair& pair);
  void set(End& end, std::uint32_t wanted);

  int epoll_, listener_;
  std::uint16_t inner_port_;
  std::list<Pair> pairs_;
  std::list<Pair> graveyard_;  // events of the same batch may still name them
  std::size_t connections_max_;
  Bytes scratch_;
};

}  // namespace hz::sandbox
