#include "node/lend_in.h"

#include <algorithm>
#include <chrono>

#include "api/target.h"
#include "net/resolve.h"
#include "net/url.h"
#include "node/lend_out.h"
#include "node/reasons.h"
#include "pool/gate_table.h"
#include "sql/db.h"

namespace hz::node {
namespace {

constexpr std::int64_t ask_ready_ms = 2'000, ask_waiting_ms = 250;
constexpr int failures_max = 3;
constexpr std::chrono::seconds resolve_max{3};

// The gateway dials addresses; names are looked up here, where waiting hurts nobody.
Result<std::string> address_of(const std::string& host) {
  const auto found = net::resolve(host, std::chrono::steady_clock::now() + resolve_max, {});
  if (!found || found->empty()) return fail(why("node.no_address"), "{}", host);
  return found->front();
}

}  // namespace

Result<pool::Serving> LendIn::serving_of(const pool::KnownLease& lease, const pool::Heard& heard, const Address& at,
                                         const ConnectGateway& gateway, bool probe) const {
  const std::string model = pool::lent_product(lease.lease.lease).substr(8);  // without "product:"
  if (heard.observed.sha256 != lease.claim.model_sha256)
    return fail(why("node.other_model"), "{} of {}", heard.observed.sha256, lease.owner);
  if (probe) {
    const http::Exchange ask = HZ_TRY(gateway(at, lease.secret));
    const http::Response said =
        HZ_TRY(ask({.path = "/v2/models/" + api::percent_encoded(model) + "/ready", .headers = {}}));
    if (said.status != 200) return fail(why("node.not_ready"), "{} answers {}", at.url, said.status);
  }
  const net::Url url = HZ_TRY(net::parse_url(at.url));
  pool::Serving out;
  out.claim = lease.lease.claim;
  out.product = lease.claim.product;
  out.site = lease.lease.site;
  out.backend = lease.claim.backend;
  out.address = HZ_TRY(address_of(url.host));
  out.port = url.port;
  out.model = model;
  out.sha256 = heard.observed.sha256;
  out.evidence = lease.claim.evidence;
  out.lease = lease.lease.lease;
  out.secret = lease.secret;
  if (url.tls && at.pin.empty()) return fail(why("node.no_address"), "{} has no pin", at.url);
  if (url.tls) out.pin = at.pin;
  return out;
}

// Files of leases that are over, also of those that ended while this node did not run.
Result<void> LendIn::forget(const std::set<std::string>& live) {
  const std::size_t gone = std::erase_if(watched_, [&](const auto& one) { return !live.contains(one.first); });
  if (looked_ && gone == 0) return {};
  for (const pool::Serving& one : pool::read_serving_folder(home_ / "serving").servers)
    if (!one.lease.empty() && !live.contains(one.claim)) HZ_TRY(pool::drop_serving_file(home_ / "serving", one.claim));
  looked_ = true;
  return {};
}

Result<void> LendIn::look(alliance::Member& member, const Connect& connect, const ConnectGateway& gateway) {
  const std::int64_t now_ms = clock_.now_ms();
  std::optional<std::vector<Contact>> known;
  std::set<std::string> live;
  for (const pool::KnownLease& lease : HZ_TRY(pool::live_leases_of(*HZ_TRY(member.views()), member.id()))) {
    if (lease.lease.consumer != member.id() || lease.owner == member.id() || lease.over(now_ms)) continue;
    const std::string& claim = lease.lease.claim;
    live.insert(claim);
    Watched& watched = watched_[claim];
    const auto drop = [&]() -> Result<void> {
      watched.served = false;
      return pool::drop_serving_file(home_ / "serving", claim);
    };
    const std::int64_t lead_ms =
        lease.recalled_ms ? drain_ms : std::min(drain_ms, (lease.lease.until_ms - lease.lease.from_ms) / 4);
    if (now_ms >= lease.ends_ms - lead_ms) {
      HZ_TRY(drop());
      continue;
    }
    if (now_ms < lease.lease.from_ms || lease.secret.empty()) continue;
    if (now_ms - watched.asked_ms < (watched.served ? ask_ready_ms : ask_waiting_ms)) continue;
    watched.asked_ms = now_ms;
    if (!known) known = HZ_TRY(contacts(member));
    const auto contact = std::ranges::find(*known, lease.owner, &Contact::origin);
    const auto hear = [&]() -> Result<pool::Heard> {
      if (contact == known->end() || contact->address.url.empty())
        return fail(why("node.no_address"), "{}", lease.owner);
      const http::Exchange ask = HZ_TRY(connect(*contact));
      const http::Response said = HZ_TRY(ask({.path = std::string(lease_prefix) + lease.lease.lease, .headers = {}}));
      if (said.status != 200) return fail(why("node.not_ready"), "{} answers {}", lease.owner, said.status);
      auto heard = HZ_TRY(pool::read_heard(said.body));
      if (heard.lease != lease.lease.lease) return fail(why("node.not_ready"), "{}: of another lease", lease.owner);
      heard.owner = lease.owner;
      heard.at_ms = now_ms;
      return heard;
    };
    auto heard = hear();
    if (heard && heard->observed.state == pool::JobState::ready) {
      const auto serving = serving_of(lease, *heard, contact->address, gateway, !watched.served);
      if (serving) {
        HZ_TRY(pool::keep_leased_file(home_ / "serving", *serving));
        watched.served = true;
      } else {
        heard->observed.state = pool::JobState::starting;
        heard->observed.detail = serving.error().text();
        HZ_TRY(drop());
      }
    }
    if (heard) {
      watched.failures = 0;
      HZ_TRY(pool::keep_heard(home_, claim, *heard));
      if (heard->observed.state != pool::JobState::ready && watched.served) HZ_TRY(drop());
      continue;
    }
    if (++watched.failures < failures_max) continue;
    // What it was is kept beside why nothing newer is known.
    auto last = pool::heard_of(home_, claim).value_or(pool::Heard{});
    last.lease = lease.lease.lease;
    last.owner = lease.owner;
    last.observed.claim = lease.lease.lease;
    if (!pool::is_over(last.observed.state)) last.observed.state = pool::JobState::starting;
    last.observed.detail = heard.error().text();
    HZ_TRY(pool::keep_heard(home_, claim, last));
    if (watched.served) HZ_TRY(drop());
  }
  return forget(live);
}

}  // namespace hz::node
