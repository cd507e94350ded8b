// Real requests of a product that a drill moved, executed once more on the incumbent after the client was answered.
//
// The gateway draws some of them (about one in `every`, at random, so that no rhythm of a client decides which), keeps
// the answer as it passes, and hands both over when the client has it. A thread of its own asks the incumbent and
// compares. What is bounded, and lets a copy go rather than wait: copies a second, copies held, bytes of a request and
// of an answer. Nothing is written anywhere: a copy lives until it is compared, and counts stay.
//
// The copy is the node's own request: it carries no key, cookie or other header of the client but the form of the body,
// is marked by `hezong-shadow: <drill>`, is not metered (no client asked for it) and uses no quota. Only where the
// incumbent is another member's, under a lease, that member meters it, as every request there.
#pragma once
#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "base/bytes.h"
#include "base/http.h"
#include "base/seams.h"
#include "node/watch_rule.h"

namespace hz::node {

struct ShadowLimits {
  std::int64_t every = 100;    // one request of so many; 0: none
  std::int64_t per_s_max = 4;  // copies, of all products together
  std::size_t body_bytes_max = 1u << 20;
  std::size_t held_max = 8;
  std::int64_t ask_ms_max = 5'000;
};

// Whose requests, answered by which server, go again where.
struct ShadowRoute {
  struct To {
    std::string address;
    std::uint16_t port = 0;
    std::string path_model;
    std::string authorization = {};  // at another member's node, under a lease
    std::optional<Digest> pin = {};  // of that node's TLS key; absent: without TLS
    bool operator==(const To&) const = default;
  };
  std::string product, drill, claim;
  std::vector<To> incumbents;
  bool operator==(const ShadowRoute&) const = default;
};

class Shadow;

// One request that was drawn. Let go of without being offered, it counts as skipped.
class ShadowCopy {
 public:
  ShadowCopy(Shadow& shadow, std::shared_ptr<const ShadowRoute> route) : shadow_(shadow), route_(std::move(route)) {}
  ShadowCopy(const ShadowCopy&) = delete;
  ShadowCopy& operator=(const ShadowCopy&) = delete;
  ~ShadowCopy();
  const std::string& claim() const { return route_->claim; }
  // A piece of the answer on its way to the client.
  void saw(std::string_view piece);

 private:
  friend class Shadow;
  Shadow& shadow_;
  std::shared_ptr<const ShadowRoute> route_;
  std::string path_end;  // "/versions/1/infer"
  std::vector<http::Header> headers;
  std::string body, answer;
  int status = 0;
  bool too_large = false, offered = false;
};

class Shadow {
 public:
  Shadow(Clock& steady, Rng& rng, ShadowLimits limits);
  ~Shadow();

  // ---- for the gateway, on its I/O thread
  // Some product is watched: a look at a flag.
  bool on() const { return on_.load(std::memory_order_relaxed); }
  // Counts a request of a product; a copy when it was drawn. `comparable`: an infer request.
  std::unique_ptr<ShadowCopy> draw(std::string_view product, bool comparable, std::size_t body_bytes);
  // The client was answered whole by the server that is watched. Takes what it needs of the request.
  void offer(std::unique_ptr<ShadowCopy> copy, const http::Request& request, std::string_view versions, int status);

  // ---- for the watch
  // From now on; what is not named any more is not drawn any more. Counts of a (drill, product, claim) that stays stay.
  void use(std::vector<ShadowRoute> routes);
  struct Seen {
    drill::DrillWatched counts;  // the sums since use() named it; known answers are not of this
    std::vector<Rerun> reruns;   // since the last call, oldest first, the newest reruns_kept_max
  };
  Seen take(std::string_view product);

 private:
  friend class ShadowCopy;
  struct Product {
    std::shared_ptr<const ShadowRoute> route;
    drill::DrillWatched counts;
    std::deque<Rerun> reruns;
    std::int64_t until_next = 0;
  };
  Product* of(const ShadowRoute& route);
  std::int64_t gap();
  void run(const std::stop_token& stop);
  void rerun(const ShadowCopy& copy);
  Result<http::Response> ask(const ShadowRoute::To& to, const ShadowCopy& copy);

  Clock& steady_;
  const ShadowLimits limits_;
  std::atomic<bool> on_ = false;
  std::atomic<std::size_t> held_ = 0;
  std::mutex mutex_;  // guards what follows
  SeededRng rng_;
  std::map<std::string, Product, std::less<>> products_;
  std::deque<std::unique_ptr<ShadowCopy>> waiting_;
  std::int64_t second_ = -1, in_second_ = 0;
  std::condition_variable_any wake_;
  // Of the asking thread.
  std::map<std::string, http::Exchange> lines_;
  std::jthread asking_;  // last: it ends first
};

}  // namespace hz::node
