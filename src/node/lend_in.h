// The consumer's side of lent capacity: asks the owners' nodes how its servers are, and tells the gateway which can be
// sent requests. The way there is through the owner's node, under the lease's credential.
#pragma once
#include <map>
#include <set>
#include <stop_token>

#include "alliance/member.h"
#include "node/contact.h"
#include "pool/lending.h"
#include "pool/serving.h"

namespace hz::node {

// How long before a known end no new request is sent: a clock's difference and most requests fit into it.
inline constexpr std::int64_t drain_ms = 5'000;

class LendIn {
 public:
  LendIn(fs::path home, Clock& clock) : home_(std::move(home)), clock_(clock) {}

  // Asks an exchange with a node, and one as a client of its gateway with a bearer token.
  using ConnectGateway = std::function<Result<http::Exchange>(const Address& to, const std::string& secret)>;
  // One look at every lease this member holds. A node that is away, slow or lying costs its own servers only.
  // Errors: what views() says, base.write.
  Result<void> look(alliance::Member& member, const Connect& connect, const ConnectGateway& gateway);

 private:
  struct Watched {
    std::int64_t asked_ms = 0;
    int failures = 0;
    bool served = false;
  };
  // The serving file, when the server is ready and its gateway lets this member's credential through.
  Result<pool::Serving> serving_of(const pool::KnownLease& lease, const pool::Heard& heard, const Address& at,
                                   const ConnectGateway& gateway, bool probe) const;

  Result<void> forget(const std::set<std::string>& live);

  const fs::path home_;
  Clock& clock_;
  bool looked_ = false;
  std::map<std::string, Watched> watched_;  // by claim
};

}  // namespace hz::node
