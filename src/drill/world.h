// Everything the drill knows: the rows of the pillars' public views (docs/views.md), as plain values.
//
// The rules of this module take a World and nothing else, so a test writes one by hand (test_world.h).
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace hz::sql {
class Db;
}

namespace hz::drill {

struct Entity {
  std::string id;  // entity:<id>
  std::string name;
  std::string jurisdiction;  // or "unknown"
  std::string statement;
};
struct Holding {
  std::string entity;
  std::string owner;
  std::int64_t share_bp = 0;
  std::string statement;
};
struct Node {
  std::string id;
  std::string type;
  std::string name;
  std::string version;  // or "unknown"
  std::string op = "all";
  std::int64_t k = 0;
  std::string entity;  // "" = unknown
  std::string entity_source;
  std::string statement;
};
struct Edge {
  std::string node;                 // needs
  std::string input;                // this
  std::string file, field, digest;  // the evidence
  std::int64_t observed_ms = 0;
  std::string statement;
};
struct Product {
  std::string id;  // without "product:"
  std::string name;
  std::string area;
  std::string model;      // SHA-256, hex
  std::string incumbent;  // backend:<engine>, or "" when none is named
  std::string golden;
  std::int64_t quality_min_milli = 0, outage_max_s = 0, quality_drop_max_milli = 0;
  std::string statement;
};
struct ModelOp {
  std::string model;
  std::string op_type, domain;
  std::int64_t opset = 0, count = 0;
};
struct Unknown {
  std::string node, what, why, statement;
};
struct ModelResult {
  std::string model, backend, verdict;  // STRICT BASIC_ONLY FAILED UNTESTED
  std::int64_t quality_milli = 0;
  std::int64_t agreement_milli = 0;
  std::string worst, golden, lift;
  std::int64_t observed_ms = 0;
  std::string statement;
  std::string member = {};  // who tested it
};
struct OperatorResult {
  std::string op_type, domain, dtype;
  std::int64_t opset = 0;
  std::string backend, verdict;
  std::int64_t cases = 0, passed = 0;
  std::string statement;
};
struct Release {
  std::string model, name, licence, audience, statement;
};
// One row per (site, backend).
struct Site {
  std::string id;  // site:<id>, and site:<id>@<member> for another member's
  std::string name, entity, jurisdiction, backend;
  std::int64_t price_fen_per_hour_min = 0, price_fen_per_hour_max = 0;
  std::int64_t switch_minutes_min = 0, switch_minutes_max = 0;
  std::string statement;
  std::string member = {};  // whose site it is
};
struct Need {
  std::string component, skill;
  std::int64_t people_min = 0;
  std::int64_t hours_per_operator_min = 0, hours_per_operator_max = 0;
  std::string statement;
};

struct World {
  std::vector<Entity> entities;
  std::vector<Holding> holdings;
  std::vector<Node> nodes;
  std::vector<Edge> edges;
  std::vector<Product> products;
  std::vector<ModelOp> model_ops;
  std::vector<Unknown> unknowns;
  std::vector<ModelResult> model_results;
  std::vector<OperatorResult> operator_results;
  std::vector<Release> releases;
  std::vector<Site> sites;
  std::vector<Need> needs;
};

// Reads all public views, each in a fixed order: equal views give equal worlds. A product's bare site:<id> becomes the
// site of the one member that has it, when this member has none of that name. Errors: sql.*.
Result<World> load_world(sql::Db& views);

// True for verdicts that let a backend carry a product: STRICT and BASIC_ONLY.
bool proves(std::string_view verdict);

// Best evidence of a backend on a model, or null.
const ModelResult* find_result(const World& world, std::string_view model, std::string_view backend);

}  // namespace hz::drill
