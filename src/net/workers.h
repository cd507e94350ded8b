// A few threads and a bounded queue: where synchronous handlers run, so that the I/O thread never waits for them.
#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace hz::net {

class Workers {
 public:
  using Task = std::move_only_function<void()>;

  // `queue_max` counts tasks that wait, not those that run.
  Workers(int threads, std::size_t queue_max);
  // Runs what waits, then ends the threads.
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // False when the queue is full; the task is then left with the caller. A task must not throw.
  bool try_add(Task& task);
  std::size_t waiting() const;

 private:
  void loop();

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> queue_;
  std::size_t queue_max_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace hz::net
