#include "node/node_world.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <mutex>

namespace hz::node {
namespace {

// Looks take a tenth of a processor at most, unless that made them too rare. Under load each replays more then, and
// writes pages once that many small ones would write many times.
constexpr int rest_times = 10;
constexpr std::chrono::milliseconds rest_max{2'000};

std::chrono::nanoseconds processor_time() {
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
}

// Of the kernel's 0 to 19: a tenth of what a request gets where both want the processor.
constexpr int behind_nice = 10;

}  // namespace

void step_back() {
  // On Linux each thread has its own. Where it cannot be set, the thread is as before.
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), behind_nice);
}

std::jthread every(std::string what, int pause_ms, std::function<Result<void>(std::stop_token)> look) {
  return std::jthread([what = std::move(what), pause_ms, look = std::move(look)](std::stop_token stop) {
    std::mutex waiting;
    std::condition_variable_any wake;
    std::unique_lock held(waiting);
    std::string said;
    while (!stop.stop_requested()) {
      const auto before = processor_time();
      const auto done = look(stop);
      const std::chrono::nanoseconds rest =
          std::min<std::chrono::nanoseconds>(rest_times * (processor_time() - before), rest_max);
      const std::string fault = done ? "" : done.error().text();
      if (!fault.empty() && fault != said && !stop.stop_requested()) fmt::print(stderr, "{}: {}\n", what, fault);
      said = fault;
      wake.wait_for(held, stop, std::max<std::chrono::nanoseconds>(std::chrono::milliseconds(pause_ms), rest),
                    [] { return false; });
    }
  });
}

}  // namespace hz::node
