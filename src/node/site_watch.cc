#include "node/site_watch.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <string>

namespace hz::node {

SiteWatch::SiteWatch(pool::SiteWorld world, int pause_ms)
    : watching_([world = std::move(world), pause_ms](std::stop_token stop) {
        std::mutex waiting;
        std::condition_variable_any wake;
        std::unique_lock held(waiting);
        std::string said;
        std::set<std::string> over;
        auto looked_at_old = std::chrono::steady_clock::now();
        while (!stop.stop_requested()) {
          std::string faults;
          if (std::chrono::steady_clock::now() - looked_at_old > std::chrono::hours(24)) {
            over.clear();  // some of them are old enough to go
            looked_at_old = std::chrono::steady_clock::now();
          }
          for (const Error& error : pool::sweep_sites(world, &over)) faults += fmt::format("site: {}\n", error.text());
          if (faults != said) fmt::print(stderr, "{}", faults);
          said = std::move(faults);
          wake.wait_for(held, stop, std::chrono::milliseconds(pause_ms), [] { return false; });
        }
      }) {}

}  // namespace hz::node
