// From the I/O thread to a worker and back.
#pragma once
#include <boost/asio/post.hpp>

#include "net/server_state.h"

namespace hz::net {

// One more task may wait. Only the I/O thread adds tasks, so this still holds when it adds one.
inline bool room(ServerState& state) { return state.workers.waiting() < state.options.limits.queue_max; }

// Calls the work on a worker and comes back to the I/O thread with what it returned. There must be room(). The work
// must not throw.
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
  static constexpr asio::use_awaitable_t<Executor> here{};
  return asio::async_initiate<const asio::use_awaitable_t<Executor>, void(T)>(begin, here, std::move(work));
}

}  // namespace hz::net
