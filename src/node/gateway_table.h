// What the gateway goes by at one moment, made once and never changed: a request keeps the one it began with.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "pool/gate_table.h"
#include "pool/quota.h"
#include "pool/serving.h"

namespace hz::node {

struct GatewayTable {
  struct Target {
    std::string claim, site, backend;
    std::int64_t weight = 1;
    bool here = false;  // its site says that it runs; the rest is known only then
    std::string address, model, path_model, evidence;
    std::uint16_t port = 0;
    std::string lease;          // of the server, here or elsewhere; empty: none
    std::string authorization;  // another member's gateway takes it, under the lease
    std::optional<Digest> pin;  // of that node's TLS key
  };
  struct Route {
    std::string product, statement;
    std::int64_t deadline_ms = 60'000;
    std::vector<Target> targets;
  };
  struct Key {
    std::string id;
    Digest secret{};
    std::set<std::string, std::less<>> products;
    pool::Quota quota;
    std::int64_t expires_ms = 0;  // 0: never
    bool lease = false;           // another member's, for its server here
  };
  std::map<std::string, Route, std::less<>> routes;  // by product
  std::map<std::string, Key, std::less<>> keys;      // by id; revoked ones are not there
};

// A model's name as one part of a path; "." and ".." would be steps of it.
std::string path_part(std::string_view name);

// Other members' servers here are routes of their own, "product:lease:<id>", for the lease's credential alone, which
// ends with the lease. A server takes part only where claim, product, site and backend are those of the route: a file
// alone sends nobody's requests anywhere.
std::shared_ptr<const GatewayTable> make_gateway_table(const pool::GateTable& said,
                                                       const std::vector<pool::Serving>& servers);

}  // namespace hz::node
