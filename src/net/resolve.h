// Host names to addresses, with a deadline.
#pragma once
#include <chrono>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "net/url.h"

namespace hz::net {

// The IP addresses of the URL's host as text, best first; an address is its own answer. The system's resolver cannot be
// interrupted: past the deadline it is left to finish on a thread of its own and its answer is dropped.
// Errors: net.resolve, net.deadline, base.cancelled.
Result<std::vector<std::string>> resolve(const std::string& host, std::chrono::steady_clock::time_point deadline,
                                         const std::stop_token& stop);

}  // namespace hz::net
