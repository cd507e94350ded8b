// What a member's gateway goes by, read from its views: its routes and its API keys. Other members' are not its own.
#pragma once
#include <map>
#include <string>

#include "pool/kinds.h"

namespace hz::pool {

struct GateTable {
  struct Routed {
    Route route;
    std::string statement;  // id, hex
  };
  struct Known {
    ApiKey key;
    bool revoked = false;
    std::string statement;
  };
  std::map<std::string, Routed, std::less<>> routes;  // by product; products without targets are not there
  std::map<std::string, Known, std::less<>> keys;     // by id
  // Servers that run here for other members: each is reached by its lease's credential and by nothing else.
  struct Lent {
    std::string lease, product, site, backend, secret, statement;
    std::int64_t ends_ms = 0;
    std::int64_t deadline_ms = 3'600'000;  // the consumer's route has its own
  };
  std::vector<Lent> lent;
};
// As which product a lease's server is called at its owner's gateway: "product:lease:<id>".
std::string lent_product(std::string_view lease);
// Errors: sql.*.
Result<GateTable> read_gate_table(sql::Db& views, const std::string& member);

}  // namespace hz::pool
