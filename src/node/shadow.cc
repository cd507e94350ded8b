#include "node/shadow.h"

#include <algorithm>

#include "net/client.h"
#include "sandbox/plain_http.h"
#include "standards/alike.h"

namespace hz::node {
namespace {

std::uint64_t seed_of(Rng& rng) {
  std::array<std::uint8_t, 8> bytes;
  rng.fill(bytes);
  std::uint64_t out = 0;
  for (const std::uint8_t b : bytes) out = out << 8 | b;
  return out;
}

// The form of the body, and nothing else that the client sent.
bool is_form(std::string_view name) { return name == "content-type" || name == "inference-header-content-length"; }

}  // namespace

ShadowCopy::~ShadowCopy() {
  --shadow_.held_;
  if (offered) return;
  const std::scoped_lock lock(shadow_.mutex_);
  if (Shadow::Product* product = shadow_.of(*route_)) ++product->counts.skipped;
}

void ShadowCopy::saw(std::string_view piece) {
  if (too_large) return;
  if (answer.size() + piece.size() > shadow_.limits_.body_bytes_max) {
    too_large = true;
    answer = {};
  } else {
    answer += piece;
  }
}

Shadow::Shadow(Clock& steady, Rng& rng, ShadowLimits limits) : steady_(steady), limits_(limits), rng_(seed_of(rng)) {
  if (limits_.every > 0) asking_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

Shadow::~Shadow() {
  on_ = false;
  if (asking_.joinable()) {
    asking_.request_stop();
    asking_.join();
  }
  // Their ends count in what is still here.
  std::deque<std::unique_ptr<ShadowCopy>> left;
  {
    const std::scoped_lock lock(mutex_);
    left.swap(waiting_);
  }
}

std::int64_t Shadow::gap() {
  return 1 + static_cast<std::int64_t>(rng_.below(static_cast<std::uint64_t>(2 * limits_.every - 1)));
}

Shadow::Product* Shadow::of(const ShadowRoute& route) {
  const auto found = products_.find(route.product);
  const bool same = found != products_.end() && found->second.route->drill == route.drill &&
                    found->second.route->claim == route.claim;
  return same ? &found->second : nullptr;
}

std::unique_ptr<ShadowCopy> Shadow::draw(std::string_view product, bool comparable, std::size_t body_bytes) {
  const std::scoped_lock lock(mutex_);
  const auto found = products_.find(product);
  if (found == products_.end()) return nullptr;
  Product& one = found->second;
  ++one.counts.requests;
  if (!comparable) {
    ++one.counts.incomparable;
    return nullptr;
  }
  if (one.route->incumbents.empty() || --one.until_next > 0) return nullptr;
  one.until_next = gap();
  const std::int64_t second = steady_.now_ms() / 1'000;
  if (std::exchange(second_, second) != second) in_second_ = 0;
  ++one.counts.drawn;
  if (body_bytes > limits_.body_bytes_max || held_ >= limits_.held_max || in_second_ >= limits_.per_s_max) {
    ++one.counts.skipped;
    return nullptr;
  }
  ++in_second_;
  ++held_;
  return std::make_unique<ShadowCopy>(*this, one.route);
}

void Shadow::offer(std::unique_ptr<ShadowCopy> copy, const http::Request& request, std::string_view versions,
                   int status) {
  if (copy->too_large) return;
  copy->path_end = fmt::format("{}/infer", versions);
  copy->body = request.body;
  copy->headers = {{"hezong-shadow", copy->route_->drill.substr(0, 12)}};
  for (const http::Header& h : request.headers)
    if (is_form(h.name)) copy->headers.push_back(h);
  copy->status = status;
  copy->offered = true;
  const std::scoped_lock lock(mutex_);
  waiting_.push_back(std::move(copy));
  wake_.notify_one();
}

void Shadow::use(std::vector<ShadowRoute> routes) {
  const std::scoped_lock lock(mutex_);
  std::map<std::string, Product, std::less<>> next;
  for (ShadowRoute& route : routes) {
    Product fresh;
    if (Product* known = of(route)) fresh = std::move(*known);
    if (fresh.until_next == 0 && limits_.every > 0) fresh.until_next = gap();
    const std::string product = route.product;
    if (!fresh.route || *fresh.route != route) fresh.route = std::make_shared<const ShadowRoute>(std::move(route));
    next.emplace(product, std::move(fresh));
  }
  products_ = std::move(next);
  on_ = limits_.every > 0 && !products_.empty();
}

Shadow::Seen Shadow::take(std::string_view product) {
  const std::scoped_lock lock(mutex_);
  const auto found = products_.find(product);
  if (found == products_.end()) return {};
  Seen out{found->second.counts, {found->second.reruns.begin(), found->second.reruns.end()}};
  found->second.reruns.clear();
  return out;
}

void Shadow::run(const std::stop_token& stop) {
  for (;;) {
    std::unique_ptr<ShadowCopy> copy;
    {
      std::unique_lock lock(mutex_);
      if (!wake_.wait(lock, stop, [&] { return !waiting_.empty(); })) return;
      copy = std::move(waiting_.front());
      waiting_.pop_front();
    }
    if (stop.stop_requested()) return;
    rerun(*copy);
  }
}

Result<http::Response> Shadow::ask(const ShadowRoute::To& to, const ShadowCopy& copy) {
  if (lines_.size() > 32) lines_.clear();  // addresses of servers that ended
  const bool local = to.authorization.empty() && !to.pin;
  http::Exchange& line =
      lines_[fmt::format("{} {} {} {}", to.address, to.port, to.authorization, to.pin ? hex(*to.pin) : std::string())];
  if (!line && local) {
    line = sandbox::plain_exchange(to.address, to.port, limits_.ask_ms_max);
  } else if (!line) {
    net::ClientOptions options{
        .url = fmt::format("{}://{}:{}", to.pin ? "https" : "http", net::bracketed(to.address), to.port),
        .pin = to.pin,
        .total_ms_max = static_cast<int>(limits_.ask_ms_max),
        .response_bytes_max = limits_.body_bytes_max};
    if (!to.authorization.empty()) options.headers.push_back({"authorization", to.authorization});
    line = HZ_TRY(net::Client::make(std::move(options))).exchange();
  }
  return line({.method = "POST",
               .path = fmt::format("/v2/models/{}{}", to.path_model, copy.path_end),
               .headers = copy.headers,
               .body = copy.body});
}

void Shadow::rerun(const ShadowCopy& copy) {
  std::optional<http::Response> said;
  for (const ShadowRoute::To& to : copy.route_->incumbents) {
    auto answer = ask(to, copy);
    if (!answer) continue;
    // The lease is over there, or nobody serves under it: that is no answer of the incumbent.
    if (!to.authorization.empty() && (answer->status == 401 || answer->status >= 502)) continue;
    said = *std::move(answer);
    if (said->status == 200) break;
  }
  // Only a good answer of the incumbent is a measure; against one, a bad answer of the substitute is a wrong one.
  std::optional<Rerun> seen;
  if (said && said->status == 200) {
    if (const auto want = standards::read_infer_answer(as_bytes(said->body))) {
      seen = Rerun{1, 0, false};
      if (copy.status == 200) {
        if (const auto got = standards::read_infer_answer(as_bytes(copy.answer))) {
          const standards::Alike alike = standards::alike(*got, *want);
          seen = Rerun{alike.judged, alike.agreeing, alike.logits != standards::Match::different};
        }
      }
    }
  }
  const std::scoped_lock lock(mutex_);
  Product* product = of(*copy.route_);
  if (!product) return;
  drill::DrillWatched& counts = product->counts;
  if (!said) {
    ++counts.unanswered;
  } else if (!seen) {
    ++counts.incomparable;
  } else {
    ++counts.compared;
    ++(seen->agreeing == seen->judged ? counts.agreed : counts.disagreed);
    counts.within += seen->within;
    product->reruns.push_back(*seen);
    if (product->reruns.size() > reruns_kept_max) product->reruns.pop_front();
  }
}

}  // namespace hz::node
