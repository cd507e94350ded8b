// A circuit breaker: stops sending requests to what has just failed, and finds out whether it works again with one.
//
// Counting failures over a time window needs a window that fits the traffic, and no figure fits all. Failures in a row
// need none: a server that is down fails everything, and one that works now and then is told apart by the success in
// between. After `failures_max` in a row the breaker opens; after `open_ms` one request, the probe, may pass; its fate
// closes the breaker or opens it for twice as long. Pure: the clock is passed in.
#pragma once
#include <algorithm>
#include <cstdint>

namespace hz::pool {

struct BreakerRule {
  int failures_max = 5;
  std::int64_t open_ms = 1'000, open_ms_max = 60'000;
};

class Breaker {
 public:
  explicit Breaker(BreakerRule rule = {}) : rule_(rule), pause_ms_(rule.open_ms) {}

  // A request could pass now; takes nothing.
  bool ready(std::int64_t now_ms) const {
    return failures_ < rule_.failures_max || (now_ms >= open_until_ms_ && !probing_);
  }
  // A request may pass now. In an open breaker whose time is over this takes the one probe.
  bool allows(std::int64_t now_ms) {
    if (!ready(now_ms)) return false;
    if (failures_ >= rule_.failures_max) probing_ = true;
    return true;
  }
  void succeeded() {
    failures_ = 0;
    probing_ = false;
    pause_ms_ = rule_.open_ms;
  }
  void failed(std::int64_t now_ms) {
    ++failures_;
    if (failures_ < rule_.failures_max) return;
    if (probing_) pause_ms_ = std::min(pause_ms_ * 2, rule_.open_ms_max);
    failures_ = rule_.failures_max;
    probing_ = false;
    open_until_ms_ = now_ms + pause_ms_;
  }
  // A probe whose fate says nothing, such as a client that left: the next request is one again.
  void forgotten() { probing_ = false; }
  bool open() const { return failures_ >= rule_.failures_max; }

 private:
  BreakerRule rule_;
  std::int64_t pause_ms_, open_until_ms_ = 0;
  int failures_ = 0;
  bool probing_ = false;
};

}  // namespace hz::pool
