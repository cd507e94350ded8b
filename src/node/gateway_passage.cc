#include "node/gateway_passage.h"

#include <algorithm>

namespace hz::node {
namespace {

constexpr std::int64_t tokens_unsaid = 1024;  // reserved for an answer whose length the client did not limit
constexpr int kept_tries_max = 2;

// Answers that say something about the server and not about the request. What a client can bring about must not be
// among them, or one client could take a server away from all others: 500, where an engine cannot bear an input, or 404
// for a version or an endpoint that is not there. Without either in the path, 404 says that the server has lost its
// model.
bool server_failed(int status, const Call& call, const std::string& versions) {
  return status == 502 || status == 503 || status == 504 ||
         (status == 404 && call.front == Front::oip && versions.empty());
}

}  // namespace

GatewayPassage::GatewayPassage(Gateway& gateway, Start start) : gateway_(gateway), start_(std::move(start)) {
  ++gateway_.counts_.taken;
}

GatewayPassage::~GatewayPassage() {
  gateway_.bodies_bytes_ -= start_.body_bytes;
  // A body that never came. A request that began and did not end stays so in the meter: it died with the node.
  if (!over_) release_quota();
}

void GatewayPassage::refuse_with(No no, std::string more, std::int64_t retry_after_s) {
  refusal_ = Refusal{no, std::move(more), retry_after_s};
}

void GatewayPassage::release_quota() {
  if (std::exchange(start_.claimed, false)) gateway_.quotas_.release(start_.claim);
}

void GatewayPassage::arrived(const http::Request& request) {
  request_ = &request;
  if (text_product()) {
    auto body = read_openai_body(request.body);
    if (!body) return refuse_with(No::malformed, body.error().detail);
    text_ = *std::move(body);
    start_.call.product = product_id(text_.model);
    start_.route = gateway_.route_of(*start_.live, *start_.key, start_.call.product);
    if (!start_.route) {
      ++gateway_.counts_.no_product;
      return refuse_with(No::product);
    }
    prompt_tokens_ = tokens_estimate(request.body.size());
    const std::int64_t answer = call().wish == Wish::embeddings
                                    ? 0
                                    : (text_.tokens_max >= 0 ? text_.tokens_max : tokens_unsaid) * text_.choices;
    const std::int64_t now_ms = gateway_.wall_.now_ms();
    auto claim = gateway_.quotas_.reserve(start_.key->id, start_.key->quota, prompt_tokens_ + answer, now_ms);
    if (!claim) {
      ++gateway_.counts_.over_quota;
      return refuse_with(No::quota, {}, (claim.error() + 999) / 1000);
    }
    start_.claim = *std::move(claim);
    start_.claimed = true;
  }
  if (gateway_.shadow_ && gateway_.shadow_->on() && call().wish != Wish::metadata)
    copy_ = gateway_.shadow_->draw(call().product, call().wish == Wish::infer, request.body.size());
  const std::int64_t most = start_.route->route->deadline_ms;
  hurried_ = start_.deadline_ms > 0 && start_.deadline_ms < most;
  deadline_at_ms_ = gateway_.steady_.now_ms() + (start_.deadline_ms ? std::min(start_.deadline_ms, most) : most);
  auto ticket = gateway_.journal_.begin(start_.key->id, call().product);
  if (!ticket) return refuse_with(No::meter, {}, 1);
  ticket_ = *std::move(ticket);
  begun_ = true;
}

bool GatewayPassage::may_try(std::size_t target, std::int64_t now_ms) const {
  const bool tried = target < 64 && (tried_ >> target & 1) != 0;
  return !tried && start_.route->route->targets[target].here && start_.route->breakers[target]->ready(now_ms);
}

std::optional<net::Upstream> GatewayPassage::next() {
  if (refusal_) return std::nullopt;
  // The carrier has had the lines written meanwhile (net::Site::settle_passages).
  if (tries_ == 0 && !gateway_.journal_.begun(ticket_)) {
    begun_ = false;
    refuse_with(No::meter, {}, 1);
    return std::nullopt;
  }
  const std::int64_t now_ms = gateway_.steady_.now_ms();
  const std::int64_t left_ms = left_ms_ = deadline_at_ms_ - now_ms;
  if (left_ms <= 0) {
    refuse_with(No::deadline);
    return std::nullopt;
  }
  std::optional<std::size_t> chosen;
  if (tries_ < gateway_.limits_.tries_max)
    chosen = start_.route->turns.next([this, now_ms](std::size_t target) { return may_try(target, now_ms); });
  if (!chosen) {
    refuse_with(tries_ ? No::all_failed : No::no_server, {}, 1);
    return std::nullopt;
  }
  target_ = *chosen;
  (void)start_.route->breakers[target_]->allows(now_ms);  // takes the probe where it is one
  tried_ |= std::uint64_t{1} << (target_ & 63);
  if (++tries_ > 1) ++gateway_.counts_.retries;

  const GatewayTable::Target& target = start_.route->route->targets[target_];
  net::Upstream to;
  to.address = target.address;
  to.port = target.port;
  to.pin = target.pin;
  if (text_product()) {
    to.path = call().wish == Wish::chat ? "/v1/chat/completions" : "/v1/embeddings";
    if (target.model == text_.model) {
      to.body = &request_->body;
    } else {
      if (body_model_ != target.model) {
        body_ = with_model(request_->body, text_, target.model);
        body_model_ = target.model;
      }
      to.body = &body_;
    }
  } else {
    to.path = "/v2/models/" + target.path_model + start_.versions + (call().wish == Wish::infer ? "/infer" : "");
  }
  if (!start_.query.empty()) (to.path += '?') += start_.query;
  // One by one: a list in braces would copy each.
  to.headers.reserve(3);
  to.headers.emplace_back("hezong-attempt", ticket_.claim() + "-" + std::to_string(tries_));
  to.headers.emplace_back("hezong-deadline-ms", std::to_string(left_ms));
  if (!target.authorization.empty()) to.headers.emplace_back("authorization", target.authorization);
  to.shown.reserve(4);
  to.shown.emplace_back("hezong-route", start_.route->route->statement);
  to.shown.emplace_back("hezong-site", target.site);
  to.shown.emplace_back("hezong-request", ticket_.claim());
  if (!target.evidence.empty()) to.shown.emplace_back("hezong-evidence", target.evidence);
  to.connect_ms_max = static_cast<int>(std::min<std::int64_t>(gateway_.limits_.connect_ms_max, left_ms));
  to.first_byte_ms_max = static_cast<int>(left_ms);
  to.pause_ms_max = gateway_.limits_.pause_ms_max;
  return to;
}

// At another member's gateway, 401 says that the lease is over there: the client's own key is good.
bool GatewayPassage::failed(int status) const {
  const bool leased = !start_.route->route->targets[target_].authorization.empty();
  return server_failed(status, call(), start_.versions) || (leased && status == 401);
}

bool GatewayPassage::takes(int status) {
  if (status != 429 && !failed(status)) return true;
  if (status == 401) return false;
  if (tries_ >= gateway_.limits_.tries_max) return true;
  // Only where somebody else may do better: else the client gets what there is.
  const std::int64_t now_ms = gateway_.steady_.now_ms();
  for (std::size_t i = 0; i < start_.route->breakers.size(); ++i)
    if (may_try(i, now_ms)) return false;
  return true;
}

void GatewayPassage::ended(const net::Tried& tried) {
  pool::Breaker& breaker = *start_.route->breakers[target_];
  const bool was_open = breaker.open();
  const std::int64_t now_ms = gateway_.steady_.now_ms();
  switch (tried.end) {
    case net::TryEnd::whole:
      if (failed(tried.status))
        breaker.failed(now_ms);
      else if (tried.status == 429)
        breaker.forgotten();
      else
        breaker.succeeded();
      finish(pool::Fate::whole, tried.status, tried);
      break;
    case net::TryEnd::cut:
      breaker.failed(now_ms);
      finish(pool::Fate::cut, tried.status, tried);
      break;
    case net::TryEnd::client_gone:
      breaker.forgotten();
      finish(pool::Fate::client_gone, tried.status, tried);
      break;
    case net::TryEnd::declined:
      if (tried.status == 429)
        breaker.forgotten();
      else
        breaker.failed(now_ms);
      break;
    case net::TryEnd::closed:
      // A kept connection may be closed for its age just when it is used: that says nothing, and the server gets
      // another chance.
      if (tried.kept && kept_tries_ < kept_tries_max) {
        ++kept_tries_;
        --tries_;
        tried_ &= ~(std::uint64_t{1} << (target_ & 63));
        breaker.forgotten();
        break;
      }
      [[fallthrough]];
    case net::TryEnd::unreachable:
    case net::TryEnd::late:
    case net::TryEnd::not_http:
      // A client in a hurry says nothing about the server either.
      if (hurried_ && (tried.end == net::TryEnd::late || left_ms_ < gateway_.limits_.connect_ms_max))
        breaker.forgotten();
      else
        breaker.failed(now_ms);
      break;
  }
  if (!was_open && breaker.open()) ++gateway_.counts_.open;
}

std::int64_t GatewayPassage::units_used(int status) const {
  if (status < 200 || status > 299) return 0;
  if (call().wish == Wish::infer) return 1;
  if (!text_product()) return 0;
  const std::int64_t said = tokens_.total();
  if (said >= 0) return said;
  // A server that does not count: what came, one token an event, on top of the prompt's estimate.
  return text_.stream ? prompt_tokens_ + tokens_.events() : start_.claim.units;
}

// After the client was answered. What another server answered than the one that is watched is no answer of it.
void GatewayPassage::copy_answer(pool::Fate fate, int status) {
  auto copy = std::move(copy_);
  if (fate == pool::Fate::whole && status != 429 && start_.route->route->targets[target_].claim == copy->claim())
    gateway_.shadow_->offer(std::move(copy), *request_, start_.versions, status);
}

void GatewayPassage::finish(pool::Fate fate, int status, const net::Tried& tried) {
  over_ = true;
  if (copy_) copy_answer(fate, status);
  const std::int64_t units = fate == pool::Fate::refused ? 0 : units_used(status);
  if (begun_) {
    pool::MeterEnd end;
    end.fate = fate;
    end.status = status;
    end.tries = tries_;
    if (tries_ > 0) {
      const GatewayTable::Target& target = start_.route->route->targets[target_];
      end.site = target.site;
      end.backend = target.backend;
      end.lease = target.lease;
    }
    end.request_bytes = static_cast<std::int64_t>(tried.request_bytes);
    end.answer_bytes = static_cast<std::int64_t>(tried.answer_bytes);
    end.served_us = tried.total_us;
    end.units = units;
    gateway_.journal_.end(ticket_, std::move(end));
  }
  if (fate == pool::Fate::refused)
    release_quota();
  else if (std::exchange(start_.claimed, false))
    gateway_.quotas_.settle(start_.claim, units);
  GatewayCounts& counts = gateway_.counts_;
  ++(fate == pool::Fate::whole     ? counts.whole
     : fate == pool::Fate::refused ? counts.refused
     : fate == pool::Fate::cut     ? counts.cut
                                   : counts.client_gone);
}

http::Response GatewayPassage::refusal() {
  const Refusal refusal = refusal_.value_or(Refusal{No::all_failed, {}, 1});
  if (!over_) finish(pool::Fate::refused, status_of(refusal.no), {});
  return refuse(call().front, refusal);
}

void GatewayPassage::saw(std::string_view piece) {
  if (copy_) copy_->saw(piece);
  if (text_product()) tokens_.saw(piece);
}

}  // namespace hz::node
