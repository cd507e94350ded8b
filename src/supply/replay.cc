#include "supply/replay.h"

#include "supply/sql_text.h"

namespace hz::supply {

namespace {

using statement::Statement;

constexpr std::string_view fact_tables[] = {
    "supply_node_fact",    "supply_note",    "supply_edge_fact",       "supply_model_op_fact",
    "supply_unknown_fact", "supply_product", "supply_product_service", "supply_source",
};

Result<void> forget(sql::Db& db, std::string_view member, std::int64_t source) {
  for (const auto table : fact_tables)
    HZ_TRY(db.exec(fmt::format("DELETE FROM {} WHERE member = ? AND source = ?", table), {member, source}));
  return {};
}

// Replaces what the source said before; its row is named by the statement's position.
Result<std::int64_t> renew(sql::Db& db, const Statement& from, const Source& source, const std::string& facts,
                           std::int64_t observed_ms) {
  if (const auto old = HZ_TRY(db.integer(sql_text::find_source, {from.issuer, source.scope, source.kind, source.path})))
    HZ_TRY(forget(db, from.issuer, *old));
  const auto row = static_cast<std::int64_t>(from.index);
  HZ_TRY(db.exec(sql_text::add_source, {from.issuer, row, source.scope, source.kind, source.path, source.digest, facts,
                                        observed_ms, from.id_text()}));
  return row;
}

// A model is matched by file name too, because its digest changes with every training: "model:glyphs.onnx".
std::string alias_of(const NodeFact& node) {
  return node.type == "model" && !node.name.empty() ? "model:" + node.name : std::string();
}

Result<void> add_nodes(sql::Db& db, const Statement& from, std::int64_t source, const std::vector<NodeFact>& nodes) {
  const std::string statement = from.id_text();
  for (const NodeFact& node : nodes) {
    const sql::Param k = node.k ? sql::Param(*node.k) : sql::Param();
    const sql::Param within = node.within ? sql::Param(std::string_view(*node.within)) : sql::Param();
    const std::string bare = bare_id(node.node), alias = alias_of(node);
    HZ_TRY(db.exec(sql_text::add_node,
                   {from.issuer, source, node.node, bare, alias, node.type, node.name,
                    std::string_view(node.version ? *node.version : ""), std::string_view(node.op ? *node.op : "all"),
                    k, within, std::int64_t{node.mention}, statement}));
    for (const Note& note : node.notes)
      HZ_TRY(db.exec(sql_text::add_note, {from.issuer, source, node.node, note.key, note.value,
                                          std::string_view(note.basis ? *note.basis : "")}));
  }
  return {};
}

Result<void> add_edges(sql::Db& db, const Statement& from, std::int64_t source, const std::vector<EdgeFact>& edges) {
  const std::string statement = from.id_text();
  for (const EdgeFact& edge : edges)
    HZ_TRY(db.exec(sql_text::add_edge, {from.issuer, source, edge.node, edge.input, edge.field, statement}));
  return {};
}

// "npm:@scope/*" -> a GLOB pattern in which nothing but * is special.
std::string glob_pattern(std::string_view match) {
  std::string out;
  for (const char c : match) {
    if (c == '?' || c == '[')
      out += std::string("[") + c + "]";
    else
      out += c;
  }
  return out;
}

}  // namespace

Result<void> replay_observation(sql::Db& db, const Statement& from, const Observation& said) {
  std::int64_t source = 0;
  if (said.part == 1) {
    source = HZ_TRY(renew(db, from, said.source, said.facts, said.observed_ms));
  } else {
    // A later part belongs to the reading its first part opened; a part without one says nothing by itself.
    const auto opened =
        HZ_TRY(db.integer(sql_text::find_source_reading,
                          {from.issuer, said.source.scope, said.source.kind, said.source.path, said.facts}));
    if (!opened) return {};
    source = *opened;
  }
  const std::string statement = from.id_text();
  HZ_TRY(add_nodes(db, from, source, said.nodes));
  HZ_TRY(add_edges(db, from, source, said.edges));
  if (!said.model_ops.empty() && said.source.kind == "model")
    for (const ModelOp& op : said.model_ops)
      HZ_TRY(db.exec(sql_text::add_model_op,
                     {from.issuer, source, said.source.digest, op.op_type, op.domain, op.opset, op.count, statement}));
  for (const UnknownFact& unknown : said.unknowns)
    HZ_TRY(db.exec(sql_text::add_unknown, {from.issuer, source, unknown.node, unknown.what, unknown.why, statement}));
  return {};
}

Result<void> replay_product(sql::Db& db, const Statement& from, const Product& said) {
  const std::string product = "product:" + said.id, statement = from.id_text();
  const std::int64_t source = HZ_TRY(renew(db, from, said.source, said.facts, said.observed_ms));
  // One manifest per product: the newest one speaks.
  if (const auto other = HZ_TRY(db.integer(sql_text::product_source, {from.issuer, product})))
    HZ_TRY(forget(db, from.issuer, *other));
  HZ_TRY(db.exec(sql_text::add_product,
                 {from.issuer, product, source, said.name, said.area, said.summary, said.model_file, said.model_sha256,
                  said.licence, said.incumbent, said.golden_file, said.golden_sha256, said.quality_min_milli,
                  said.outage_max_s, said.quality_drop_max_milli, statement}));
  for (const ServiceUse& use : said.services)
    HZ_TRY(db.exec(sql_text::add_product_service,
                   {from.issuer, source, product, use.host, use.role, std::string_view(use.config ? *use.config : ""),
                    std::string_view(use.key ? *use.key : ""), statement}));
  HZ_TRY(add_nodes(db, from, source, said.nodes));
  return add_edges(db, from, source, said.edges);
}

Result<void> replay_entity_list(sql::Db& db, const Statement& from, const EntityList& said) {
  const std::string statement = from.id_text();
  if (said.part == 1) {
    for (const auto table : {"supply_list", "supply_entity", "supply_owner", "supply_attribution"})
      HZ_TRY(db.exec(fmt::format("DELETE FROM {} WHERE member = ? AND list = ?", table), {from.issuer, said.list}));
    HZ_TRY(db.exec(sql_text::add_list, {from.issuer, said.list, said.as_of, said.note, said.digest, statement}));
  } else if (HZ_TRY(db.text(sql_text::list_digest, {from.issuer, said.list})) != said.digest) {
    return {};  // a part of a list that another one has replaced
  }
  for (const Entity& entity : said.entities) {
    const std::string id = "entity:" + entity.id;
    HZ_TRY(db.exec(sql_text::add_entity, {from.issuer, said.list, id, entity.name, entity.jurisdiction,
                                          std::string_view(entity.lei ? *entity.lei : ""), entity.source, statement}));
  }
  for (const Owner& owner : said.owners) {
    const std::string owned = "entity:" + owner.entity, owning = "entity:" + owner.owner;
    HZ_TRY(
        db.exec(sql_text::add_owner, {from.issuer, said.list, owned, owning, owner.share_bp, owner.source, statement}));
  }
  for (const Attribution& attribution : said.attributions) {
    const std::string entity = "entity:" + attribution.entity, pattern = glob_pattern(attribution.match);
    const std::int64_t exact = attribution.match.find('*') == std::string::npos;
    HZ_TRY(db.exec(sql_text::add_attribution,
                   {from.issuer, said.list, attribution.match, pattern, exact, entity, attribution.source, statement}));
  }
  return {};
}

Result<void> replay_gone(sql::Db& db, const Statement& from, const Gone& said) {
  if (const auto source =
          HZ_TRY(db.integer(sql_text::find_source, {from.issuer, said.scope, said.source_kind, said.path})))
    HZ_TRY(forget(db, from.issuer, *source));
  return {};
}

}  // namespace hz::supply
