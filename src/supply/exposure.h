// The answer of a scan: what the products stand on, and whose it is.
#pragma once
#include "base/fields.h"
#include "sql/db.h"

namespace hz::supply {

struct ProductLine {
  std::string product, name, area, incumbent, manifest;
  static constexpr auto fields() {
    return rows(row("product", &ProductLine::product, "component id"), row("name", &ProductLine::name, "name"),
                row("area", &ProductLine::area, "area"),
                row("incumbent", &ProductLine::incumbent, "backend serving it"),
                row("manifest", &ProductLine::manifest, "file"));
  }
};
struct TypeLine {
  std::string type;
  std::int64_t components = 0, unattributed = 0;
  static constexpr auto fields() {
    return rows(row("type", &TypeLine::type, "component type"), row("components", &TypeLine::components, "how many"),
                row("unattributed", &TypeLine::unattributed, "how many no entity list attributes"));
  }
};
struct EntityLine {
  std::string entity, name, jurisdiction;
  std::int64_t components = 0;
  static constexpr auto fields() {
    return rows(row("entity", &EntityLine::entity, "entity id"), row("name", &EntityLine::name, "legal name"),
                row("jurisdiction", &EntityLine::jurisdiction, "ISO 3166-1 alpha-2, or unknown"),
                row("components", &EntityLine::components, "components it controls"));
  }
};
struct ServiceLine {
  std::string service, entity, evidence;
  std::int64_t needed_by = 0;
  static constexpr auto fields() {
    return rows(row("service", &ServiceLine::service, "component id"),
                row("entity", &ServiceLine::entity, "entity id, or unknown"),
                row("evidence", &ServiceLine::evidence, "file and setting"),
                row("needed_by", &ServiceLine::needed_by, "components that need it"));
  }
};
struct UnknownLine {
  std::string node, what, why, evidence;
  static constexpr auto fields() {
    return rows(row("node", &UnknownLine::node, "component id"), row("what", &UnknownLine::what, "what is not known"),
                row("why", &UnknownLine::why, "why"), row("evidence", &UnknownLine::evidence, "file that mentions it"));
  }
};

struct Exposure {
  std::vector<ProductLine> products;
  std::vector<TypeLine> types;
  std::vector<EntityLine> entities;
  std::vector<ServiceLine> services;
  std::vector<UnknownLine> unknown;
  std::int64_t attributable = 0;         // components somebody must control
  std::int64_t unattributed = 0;         // of those, without an entity
  std::int64_t unknown_share_milli = 0;  // unattributed / attributable
  static constexpr auto fields() {
    return rows(row("products", &Exposure::products, "products"), row("types", &Exposure::types, "components by type"),
                row("entities", &Exposure::entities, "legal entities, most components first"),
                row("services", &Exposure::services, "services"),
                row("unknown", &Exposure::unknown, "what is not known"),
                row("attributable", &Exposure::attributable, "components somebody must control"),
                row("unattributed", &Exposure::unattributed, "of those, without an entity"),
                row("unknown_share_milli", &Exposure::unknown_share_milli, "unattributed share in thousandths"));
  }
};

// Read from the views. Errors: sql.*.
Result<Exposure> exposure(sql::Db& views);
Result<std::vector<UnknownLine>> unknown_lines(sql::Db& views);

}  // namespace hz::supply
