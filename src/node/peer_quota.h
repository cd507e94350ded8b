// How much one caller may ask of this node: so many requests at once, and so many a second in the long run.
//
// Workers are few, and a member's node that floods, by mistake or not, must not keep the others from being answered. A
// refusal costs one signature check; what it refuses would cost a read of up to 16 MB. Only callers that are known here
// are counted, so the table is as small as the alliance.
#pragma once
#include <algorithm>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace hz::node {

struct PeerLimits {
  int at_once = 2;            // requests of one caller that run at the same time
  std::int64_t per_s = 1000;  // refill
  std::int64_t burst = 4000;  // a mirror that begins asks for as many bundles: 10^6 statements
};

class PeerQuota {
 public:
  PeerQuota() = default;
  explicit PeerQuota(PeerLimits limits) : limits_(limits) {}

  // A request that was let in; it counts as running while this lives.
  class Pass {
   public:
    Pass() = default;
    Pass(PeerQuota* quota, std::string caller) : quota_(quota), caller_(std::move(caller)) {}
    Pass(Pass&& other) noexcept : quota_(std::exchange(other.quota_, nullptr)), caller_(std::move(other.caller_)) {}
    Pass& operator=(Pass&&) = delete;
    ~Pass() {
      if (quota_) quota_->leave(caller_);
    }
    explicit operator bool() const { return quota_ != nullptr; }

   private:
    PeerQuota* quota_ = nullptr;
    std::string caller_;
  };
  // False when the caller has to come later. A clock that goes back refills nothing. From any thread.
  Pass enter(const std::string& caller, std::int64_t now_ms) {
    const std::scoped_lock hold(mutex_);
    const auto [at, fresh] = callers_.try_emplace(caller, Caller{0, now_ms, limits_.burst * 1000});
    Caller& one = at->second;
    if (now_ms > one.filled_ms)
      one.left = std::min(limits_.burst * 1000, one.left + (now_ms - one.filled_ms) * limits_.per_s);
    one.filled_ms = now_ms;
    if (one.running >= limits_.at_once || one.left < 1000) return {};
    ++one.running;
    one.left -= 1000;
    return {this, caller};
  }

 private:
  struct Caller {
    int running;
    std::int64_t filled_ms;
    std::int64_t left;  // thousandths of a request
  };
  void leave(const std::string& caller) {
    const std::scoped_lock hold(mutex_);
    --callers_.at(caller).running;
  }

  const PeerLimits limits_ = {};
  std::mutex mutex_;
  std::map<std::string, Caller> callers_;
};

}  // namespace hz::node
