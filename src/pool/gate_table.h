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
};
// Errors: sql.*.
Result<GateTable> read_gate_table(sql::Db& views, const std::string& member);

}  // namespace hz::pool
