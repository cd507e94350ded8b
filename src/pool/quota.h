// How much a key may use in a minute: requests, and units (what the product is metered in).
//
// Checking a counter before a request and adding to it afterwards lets any number of requests through while the first
// still run. So each takes its share before it starts (reserve), and says afterwards what it used (settle) or that it
// used nothing (release). A minute is a fixed window: its end is the same for everybody and can be told in
// `retry-after`. Pure: the clock is passed in; one thread.
#pragma once
#include <cstdint>
#include <expected>
#include <map>
#include <string>

namespace hz::pool {

// 0: no limit.
struct Quota {
  std::int64_t requests_per_minute = 0, units_per_minute = 0;
};

class QuotaBook {
 public:
  struct Claim {
    std::string key;
    std::int64_t window = -1;  // minutes since 1970
    std::int64_t units = 0;
  };

  // Takes one request and `units`. Refused: the milliseconds until the next window.
  std::expected<Claim, std::int64_t> reserve(const std::string& key, const Quota& quota, std::int64_t units,
                                             std::int64_t now_ms);
  // In place of what was reserved. Once per claim.
  void settle(const Claim& claim, std::int64_t units_used);
  // Gives back the request and its units. Once per claim.
  void release(const Claim& claim);

  struct Used {
    std::int64_t requests = 0, units = 0;
  };
  Used used(const std::string& key, std::int64_t now_ms) const;

 private:
  struct Window {
    std::int64_t window = -1;
    Used used;
  };
  std::map<std::string, Window> windows_;
};

}  // namespace hz::pool
