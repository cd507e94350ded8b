// The thread of a node that reads everything stored again, once a day, within bounds: a rate of bytes and a share of
// one core. It is nobody's business to wait for it.
#pragma once
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "node/scrub_pass.h"

namespace hz::node {

struct ScrubOptions {
  std::int64_t mb_per_s = 20;  // 0: no passes
  double core_share = 0.05;
  std::int64_t every_ms = 86'400'000;  // from the begin of one pass to the next
  std::int64_t begin_ms = 60'000;      // after the start of the node
};

class ScrubWatch {
 public:
  // `repair`, when given, is called after a pass that found damage, and returns what it found and put right.
  ScrubWatch(fs::path home, Clock& clock, const ScrubOptions& options, std::function<std::vector<Damage>()> repair = {},
             CheckViews views = {});

 private:
  void run(const std::stop_token& stop);
  // False when the node stops.
  bool sleep(const std::stop_token& stop, std::chrono::nanoseconds time);

  const fs::path home_;
  Clock& clock_;
  const ScrubOptions options_;
  const std::function<std::vector<Damage>()> repair_;
  const CheckViews views_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;  // last: it ends first
};

}  // namespace hz::node
