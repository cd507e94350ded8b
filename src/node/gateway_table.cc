#include "node/gateway_table.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "api/target.h"
#include "pool/api_key.h"

namespace hz::node {
namespace {

constexpr std::size_t shown = 4;

// What its site says of a server that runs.
void set_here(GatewayTable::Target& target, const pool::Serving& server) {
  target.here = true;
  target.address = server.address;
  target.port = server.port;
  target.model = server.model;
  target.path_model = path_part(server.model);
  target.evidence = server.evidence;
}

}  // namespace

std::string path_part(std::string_view name) {
  if (name == ".") return "%2E";
  if (name == "..") return "%2E%2E";
  return api::percent_encoded(name);
}

std::shared_ptr<const GatewayTable> make_gateway_table(const pool::GateTable& said,
                                                       const std::vector<pool::Serving>& servers) {
  auto out = std::make_shared<GatewayTable>();
  for (const auto& [product, routed] : said.routes) {
    GatewayTable::Route route{product, routed.statement, routed.route.deadline_ms, {}};
    // A route may name more than fits into the head of every answer; the rest stands in its statement.
    const auto& ids = routed.route.evidence;
    const std::string evidence = fmt::format(
        "{}", fmt::join(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(std::min(ids.size(), shown)), ", "));
    for (const pool::Target& t : routed.route.targets) {
      GatewayTable::Target target;
      target.claim = t.claim;
      target.site = t.site;
      target.backend = t.backend;
      target.weight = t.weight;
      const auto found = std::ranges::find_if(servers, [&](const pool::Serving& s) {
        return s.claim == t.claim && s.product == product && s.site == t.site && s.backend == t.backend;
      });
      if (found != servers.end()) {
        set_here(target, *found);
        if (target.evidence.empty()) target.evidence = evidence;
        target.lease = found->lease;
        if (!found->secret.empty()) target.authorization = "Bearer " + found->secret;
        if (const auto pin = parse_digest(found->pin); pin && !found->pin.empty()) target.pin = *pin;
      }
      route.targets.push_back(std::move(target));
    }
    out->routes.emplace(product, std::move(route));
  }
  for (const pool::GateTable::Lent& lent : said.lent) {
    const std::string product = pool::lent_product(lent.lease);
    const auto id = pool::key_id_of(lent.secret);
    if (!id) continue;
    GatewayTable::Target target;
    target.claim = target.lease = lent.lease;
    target.site = lent.site;
    target.backend = lent.backend;
    const auto found = std::ranges::find_if(servers, [&](const pool::Serving& s) {
      return s.claim == lent.lease && s.product == lent.product && s.site == lent.site && s.backend == lent.backend &&
             s.lease.empty();
    });
    if (found != servers.end()) set_here(target, *found);
    out->routes.emplace(product, GatewayTable::Route{product, lent.statement, lent.deadline_ms, {std::move(target)}});
    out->keys.emplace(
        std::string(*id),
        GatewayTable::Key{std::string(*id), pool::secret_hash(lent.secret), {product}, {}, lent.ends_ms, true});
  }
  for (const auto& [id, known] : said.keys) {
    const auto secret = parse_digest(known.key.secret_sha256);
    if (known.revoked || !secret) continue;
    GatewayTable::Key key{id,
                          *secret,
                          {known.key.products.begin(), known.key.products.end()},
                          {known.key.requests_per_minute, known.key.units_per_minute},
                          known.key.expires_ms};
    out->keys.emplace(id, std::move(key));
  }
  return out;
}

}  // namespace hz::node
