#include "node/gateway.h"

#include <charconv>
#include <ctime>

#include "base/json.h"
#include "node/gateway_passage.h"
#include "pool/api_key.h"

namespace hz::node {
namespace {

class SteadyClock final : public Clock {
 public:
  std::int64_t now_ms() override {
    // Up to 4 ms behind, at a fifth of the price: each request asks several times.
    timespec t;
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return std::int64_t{t.tv_sec} * 1'000 + t.tv_nsec / 1'000'000;
  }
};

std::string_view bearer(const http::Request& head) {
  std::string_view value = http::header(head.headers, "authorization");
  static constexpr std::string_view scheme = "bearer ";
  if (value.size() < scheme.size()) return {};
  for (std::size_t i = 0; i < scheme.size(); ++i)
    if ((value[i] | 0x20) != (scheme[i] | 0x20)) return {};
  value.remove_prefix(scheme.size());
  return value;
}

std::optional<std::int64_t> number_in(std::string_view text) {
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || out < 0) return std::nullopt;
  return out;
}

// The name that clients use, without what it has in common with every other.
std::string_view bare(std::string_view product) { return product.substr(product.find(':') + 1); }

std::string model_json(std::string_view product) {
  std::string out = "{\"id\":";
  json::append_quoted(out, bare(product));
  return out + R"(,"object":"model","created":0,"owned_by":"hezong"})";
}

}  // namespace

Clock& steady_clock() {
  static SteadyClock clock;
  return clock;
}

Gateway::Gateway(pool::MeterJournal& journal, Clock& wall, Clock& steady, GatewayLimits limits)
    : journal_(journal), wall_(wall), steady_(steady), limits_(limits), live_(std::make_shared<Live>()) {
  live_->table = std::make_shared<GatewayTable>();
}
Gateway::~Gateway() = default;

void Gateway::use(std::shared_ptr<const GatewayTable> table) {
  const std::scoped_lock lock(mutex_);
  next_ = std::move(table);
  ++version_;
}

bool Gateway::ready() const { return version_ > 0 && journal_.good(); }

const std::shared_ptr<Gateway::Live>& Gateway::live() {
  if (version_ == live_version_) return live_;
  auto fresh = std::make_shared<Live>();
  {
    const std::scoped_lock lock(mutex_);
    fresh->table = next_;
    live_version_ = version_;
  }
  std::map<std::pair<std::string, std::string>, std::shared_ptr<pool::Breaker>> kept;
  for (const auto& [product, route] : fresh->table->routes) {
    std::vector<std::int64_t> weights;
    std::vector<std::shared_ptr<pool::Breaker>> breakers;
    for (const GatewayTable::Target& t : route.targets) {
      weights.push_back(t.weight);
      const auto place = std::pair(t.site, t.claim);
      const auto found = breakers_.find(place);
      // A server that ended and came again under its claim has done nothing wrong yet.
      const bool known = t.here && found != breakers_.end();
      auto& breaker = kept[place];
      if (!breaker) breaker = known ? found->second : std::make_shared<pool::Breaker>(limits_.breaker);
      breakers.push_back(breaker);
    }
    fresh->routes.emplace(product, LiveRoute{&route, pool::Turns(std::move(weights)), std::move(breakers)});
  }
  breakers_ = std::move(kept);
  live_ = std::move(fresh);
  return live_;
}

bool Gateway::is_for(const http::Request& head) { return is_call(head.path); }

std::size_t Gateway::body_bytes_max(const http::Request& head) const {
  return http::header(head.headers, "content-length").empty() ? limits_.unsized_body_bytes_max : limits_.body_bytes_max;
}

std::expected<const GatewayTable::Key*, No> Gateway::key_of(const GatewayTable& table, const http::Request& head) {
  const std::string_view secret = bearer(head);
  const auto id = pool::key_id_of(secret);
  const auto found = id ? table.keys.find(*id) : table.keys.end();
  // An unknown id costs the same work as a known one.
  static constexpr Digest nobody{};
  const bool same =
      pool::same_digest(pool::secret_hash(secret), found == table.keys.end() ? nobody : found->second.secret);
  if (found == table.keys.end() || !same) return std::unexpected(No::key);
  const GatewayTable::Key& key = found->second;
  if (key.expires_ms && key.expires_ms <= wall_.now_ms()) return std::unexpected(No::expired);
  return &key;
}

bool Gateway::is_leased(const http::Request& head) {
  const std::shared_ptr<Live> now = live();
  const auto key = key_of(*now->table, head);
  return key && (*key)->lease;
}

Gateway::LiveRoute* Gateway::route_of(Live& live, const GatewayTable::Key& key, std::string_view product) {
  const auto found = live.routes.find(product);
  return found != live.routes.end() && key.products.contains(product) ? &found->second : nullptr;
}

// What needs no server.
http::Response Gateway::answer_here(const Call& call, Live& live, const GatewayTable::Key& key) {
  if (call.wish == Wish::models) {
    std::string body;
    for (const std::string& product : key.products)
      if (live.routes.contains(product)) (body += body.empty() ? "" : ",") += model_json(product);
    return json_answer(200, fmt::format(R"({{"object":"list","data":[{}]}})", body));
  }
  LiveRoute* route = route_of(live, key, call.product);
  if (!route) {
    ++counts_.no_product;
    return refuse(call.front, {.no = No::product});
  }
  if (call.wish == Wish::product) return json_answer(200, model_json(call.product));
  bool ready = false;
  for (std::size_t i = 0; i < route->breakers.size(); ++i)
    ready |= route->route->targets[i].here && route->breakers[i]->ready(steady_.now_ms());
  if (!ready) return refuse(call.front, {.no = No::no_server, .more = {}, .retry_after_s = 1});
  std::string body = "{\"name\":";
  json::append_quoted(body, bare(call.product));
  return json_answer(200, body + ",\"ready\":true}");
}

std::expected<std::unique_ptr<net::Passage>, http::Response> Gateway::passage(const http::Request& head) {
  auto call = read_call(head);
  if (!call || (limits_.leases_only && !is_leased(head))) return nullptr;
  const Front front = call->front;
  const Wish wish = call->wish;
  const auto no = [&](Refusal refusal) { return std::unexpected(refuse(front, refusal)); };
  switch (wish) {
    case Wish::unknown_path:
      return no({.no = No::path});
    case Wish::wrong_method:
      return no({.no = No::method, .more = {}, .retry_after_s = 0, .allow = call->allow});
    case Wish::live:
      return std::unexpected(json_answer(200, "{\"live\":true}"));
    case Wish::ready:
      if (!ready()) return no({.no = No::meter, .more = {}, .retry_after_s = 1});
      return std::unexpected(json_answer(200, "{\"ready\":true}"));
    case Wish::server:
      return std::unexpected(
          json_answer(200, R"({"name":"hezong","version":")" HZ_VERSION R"(","extensions":["binary_tensor_data"]})"));
    default:
      break;
  }
  if (version_ == 0)  // nobody's key is known before the first table
    return no({.no = No::no_server, .more = "the node is still replaying its logs", .retry_after_s = 1});
  const std::shared_ptr<Live> now = live();
  const auto key = key_of(*now->table, head);
  if (!key) {
    ++counts_.no_key;
    return no({.no = key.error()});
  }
  if (wish == Wish::models || wish == Wish::product || wish == Wish::product_ready)
    return std::unexpected(answer_here(*call, *now, **key));

  GatewayPassage::Start start{now, *key, nullptr, *std::move(call), head.query};
  start.versions = start.call.versions;
  if (front == Front::oip) {
    start.route = route_of(*now, **key, start.call.product);
    if (!start.route) {
      ++counts_.no_product;
      return no({.no = No::product});
    }
  }
  if (const auto wanted = http::header(head.headers, "hezong-deadline-ms"); !wanted.empty()) {
    const auto ms = number_in(wanted);
    if (!ms || *ms == 0) return no({.no = No::malformed, .more = "hezong-deadline-ms"});
    start.deadline_ms = *ms;
  }
  // The carrier holds the body until a try succeeds, so its bytes are counted before they come.
  const auto length = number_in(http::header(head.headers, "content-length"));
  const bool unsized = !http::header(head.headers, "transfer-encoding").empty();
  start.body_bytes = length ? static_cast<std::size_t>(*length) : unsized ? limits_.unsized_body_bytes_max : 0;
  if (start.body_bytes > limits_.body_bytes_max)
    return no({.no = No::too_large, .more = fmt::format("at most {} bytes", limits_.body_bytes_max)});
  if (bodies_bytes_ + start.body_bytes > limits_.bodies_bytes_max)
    return no({.no = No::bodies, .more = {}, .retry_after_s = 1});
  if (front == Front::oip) {
    auto claim = quotas_.reserve((*key)->id, (*key)->quota, wish == Wish::infer ? 1 : 0, wall_.now_ms());
    if (!claim) {
      ++counts_.over_quota;
      return no({.no = No::quota, .more = {}, .retry_after_s = (claim.error() + 999) / 1000});
    }
    start.claim = *std::move(claim);
    start.claimed = true;
  }
  bodies_bytes_ += start.body_bytes;
  return std::make_unique<GatewayPassage>(*this, std::move(start));
}

}  // namespace hz::node
