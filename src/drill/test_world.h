// A small alliance written by hand, as values and as the public views, for tests.
#pragma once
#include <string>

#include "base/seams.h"
#include "crypto/hash.h"
#include "drill/world.h"
#include "sql/db.h"

namespace hz::drill {

class WorldBuilder {
 public:
  World world;

  WorldBuilder& entity(const std::string& id, const std::string& name, const std::string& jurisdiction) {
    world.entities.push_back({"entity:" + id, name, jurisdiction, statement("entity" + id)});
    return *this;
  }
  WorldBuilder& owns(const std::string& owner, const std::string& entity, std::int64_t share_bp) {
    world.holdings.push_back({"entity:" + entity, "entity:" + owner, share_bp, statement("own" + owner + entity)});
    return *this;
  }
  WorldBuilder& node(const std::string& id, const std::string& type, const std::string& entity = "",
                     const std::string& op = "all", std::int64_t k = 0) {
    const std::size_t at = id.rfind('@');
    const bool versioned = at != std::string::npos && at > id.find(':') + 1;
    const std::string name = id.substr(id.find(':') + 1, versioned ? at - id.find(':') - 1 : std::string::npos);
    const std::string version = versioned ? id.substr(at + 1) : "unknown";
    world.nodes.push_back({id, type, name, version, op, k, entity.empty() ? "" : "entity:" + entity,
                           entity.empty() ? "unknown" : "list", statement("node" + id)});
    if (entity.empty() && (type == "package" || type == "file" || type == "service"))
      world.unknowns.push_back({id, "entity", "no attribution in any entity list", statement("node" + id)});
    return *this;
  }
  WorldBuilder& needs(const std::string& node, const std::string& input, const std::string& file = "package-lock.json",
                      const std::string& field = "packages") {
    world.edges.push_back({node, input, file, field, hex(crypto::sha256(as_bytes(file))), 1'700'000'000'000,
                           statement("edge" + node + input)});
    return *this;
  }
  // A product that needs its model and its incumbent backend.
  WorldBuilder& product(const std::string& id, const std::string& name, const std::string& area,
                        const std::string& incumbent, std::int64_t quality_min_milli = 900,
                        std::int64_t outage_max_s = 3600, std::int64_t drop_max_milli = 20) {
    const std::string model = model_of(id);
    world.products.push_back({id, name, area, model, incumbent, hex(crypto::sha256(as_bytes("golden" + id))),
                              quality_min_milli, outage_max_s, drop_max_milli, statement("product" + id)});
    node("product:" + id, "product");
    node("model:" + model, "model", "alliance");
    needs("product:" + id, "model:" + model, "products/" + id + ".toml", "model");
    if (!incumbent.empty()) needs("product:" + id, incumbent, "products/" + id + ".toml", "requirement.all[1]");
    return *this;
  }
  WorldBuilder& op(const std::string& product, const std::string& op_type, std::int64_t count = 1) {
    world.model_ops.push_back({model_of(product), op_type, "", 13, count});
    return *this;
  }
  WorldBuilder& result(const std::string& product, const std::string& backend, const std::string& verdict,
                       std::int64_t quality_milli, const std::string& worst = "") {
    world.model_results.push_back({model_of(product), backend, verdict, quality_milli, 990, worst,
                                   hex(crypto::sha256(as_bytes("golden" + product))), "", 1'700'000'000'000,
                                   statement("result" + product + backend)});
    return *this;
  }
  WorldBuilder& op_result(const std::string& backend, const std::string& op_type, const std::string& verdict,
                          std::int64_t cases, std::int64_t passed) {
    world.operator_results.push_back(
        {op_type, "", "float", 13, backend, verdict, cases, passed, statement("op" + backend + op_type)});
    return *this;
  }
  WorldBuilder& site(const std::string& id, const std::string& entity, const std::string& jurisdiction,
                     const std::string& backend, std::int64_t fen_min, std::int64_t fen_max, std::int64_t minutes_min,
                     std::int64_t minutes_max) {
    world.sites.push_back({"site:" + id, id, "entity:" + entity, jurisdiction, backend, fen_min, fen_max, minutes_min,
                           minutes_max, statement("site" + id + backend)});
    return *this;
  }
  WorldBuilder& need(const std::string& component, const std::string& skill, std::int64_t people,
                     std::int64_t hours_min, std::int64_t hours_max) {
    world.needs.push_back({component, skill, people, hours_min, hours_max, statement("need" + component)});
    return *this;
  }
  WorldBuilder& release(const std::string& product, const std::string& licence) {
    world.releases.push_back({model_of(product), product, licence, "alliance", statement("release" + product)});
    return *this;
  }
  // Rows in the order load_world gives them.
  World finish() const;

  static std::string model_of(const std::string& product) { return hex(crypto::sha256(as_bytes("model" + product))); }
  static std::string statement(const std::string& of) { return hex(crypto::sha256(as_bytes("statement" + of))); }
};

// Four products on one runtime, three backends, an owner above an entity, unknown suppliers, a service, three sites.
WorldBuilder demo_world();

// The public views as plain tables holding the world's rows.
Result<void> fill_views(sql::Db& db, const World& world);

}  // namespace hz::drill
