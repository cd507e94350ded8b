// The gateway: products are called through the node, by clients that know nothing of it (docs/formats/gateway.md).
//
// It decides and the carrier carries (net/passage.h): this file knows keys, quotas, routes, breakers and the meter, and
// no sockets. Everything but use() and ready() belongs to the I/O thread of the one server it is mounted on, so there
// are no locks on the way of a request.
//
// What is held for a request is taken in an order that can be undone: bytes of its body, quota, a line in the meter, a
// turn at a target. Each is given back or settled exactly once, when the last try has ended.
#pragma once
#include <atomic>
#include <map>
#include <memory>
#include <mutex>

#include "base/seams.h"
#include "net/passage.h"
#include "node/gateway_front.h"
#include "node/gateway_table.h"
#include "pool/breaker.h"
#include "pool/meter_journal.h"
#include "pool/turns.h"

namespace hz::node {

class Shadow;

struct GatewayLimits {
  std::size_t body_bytes_max = 128u << 20;
  std::size_t unsized_body_bytes_max = 16u << 20;  // of a body that does not state its length
  std::size_t bodies_bytes_max = 512u << 20;       // of all requests under way
  int tries_max = 4;
  int connect_ms_max = 1'000;
  int pause_ms_max = 60'000;  // between two pieces of an answer
  pool::BreakerRule breaker = {};
  bool leases_only = false;  // serves other members under leases and nobody else: what has no such key is not its
};

// Milliseconds that never go back: for deadlines and breakers.
Clock& steady_clock();

struct GatewayCounts {
  std::atomic<std::uint64_t> taken{0}, whole{0}, refused{0}, cut{0}, client_gone{0};        // fates
  std::atomic<std::uint64_t> no_key{0}, no_product{0}, over_quota{0}, retries{0}, open{0};  // open: breakers opened
};

class Gateway {
 public:
  // `journal` outlives the gateway and its passages.
  Gateway(pool::MeterJournal& journal, Clock& wall, Clock& steady, GatewayLimits limits = {});
  ~Gateway();

  // From now on; requests under way keep what they began with. Any thread.
  void use(std::shared_ptr<const GatewayTable> table);
  // It has a table and a meter that can be written. Any thread.
  bool ready() const;

  // Where some requests of drilled products are copied to; outlives the gateway. Before the first request.
  void copy_to(Shadow& shadow) { shadow_ = &shadow; }

  // As net::Site::passage. Null: the path is not the gateway's.
  std::expected<std::unique_ptr<net::Passage>, http::Response> passage(const http::Request& head);
  // Whether the path is the gateway's, and how large a body it takes.
  static bool is_for(const http::Request& head);
  std::size_t body_bytes_max(const http::Request& head) const;
  // The head carries a lease's credential that is good now. Belongs to the I/O thread.
  bool is_leased(const http::Request& head);

  const GatewayCounts& counts() const { return counts_; }
  // For tests: nothing is held any more.
  std::size_t bodies_bytes() const { return bodies_bytes_; }

 private:
  friend class GatewayPassage;
  struct LiveRoute {
    const GatewayTable::Route* route;
    pool::Turns turns;
    std::vector<std::shared_ptr<pool::Breaker>> breakers;  // by target
  };
  struct Live {
    std::shared_ptr<const GatewayTable> table;
    std::map<std::string, LiveRoute, std::less<>> routes;
  };
  // The newest table, with its breakers: those of the same (site, claim) stay what they were.
  const std::shared_ptr<Live>& live();
  // The key that the request carries, or why not.
  std::expected<const GatewayTable::Key*, No> key_of(const GatewayTable& table, const http::Request& head);
  // The product's route when the key may call it. Nothing says which of the two was wrong.
  LiveRoute* route_of(Live& live, const GatewayTable::Key& key, std::string_view product);
  http::Response answer_here(const Call& call, Live& live, const GatewayTable::Key& key);

  pool::MeterJournal& journal_;
  Clock& wall_;
  Clock& steady_;
  const GatewayLimits limits_;
  pool::QuotaBook quotas_;
  std::map<std::pair<std::string, std::string>, std::shared_ptr<pool::Breaker>> breakers_;  // by site and claim
  std::shared_ptr<Live> live_;
  std::uint64_t live_version_ = 0;
  std::size_t bodies_bytes_ = 0;
  GatewayCounts counts_;
  Shadow* shadow_ = nullptr;

  std::mutex mutex_;
  std::shared_ptr<const GatewayTable> next_;  // under mutex_
  std::atomic<std::uint64_t> version_ = 0;
};

}  // namespace hz::node
