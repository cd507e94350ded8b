// What a loss does to every product: running, degraded or stopped, with the chain of evidence, and the smallest losses
// that would stop it.
#pragma once
#include <string>
#include <vector>

#include "base/fields.h"
#include "drill/loss.h"
#include "drill/propagate.h"
#include "drill/stack.h"

namespace hz::drill {

// One link of a reason chain: this node, and the evidence that the step before it depends on it.
struct Step {
  std::string node;  // id; the last step may be an entity
  std::string type;  // component type, or entity
  std::string link;  // "", "needs", "supplied by", "named in the drill", ...
  std::string file;  // evidence of the link, "" when there is none
  std::string field;
  std::string digest;
  std::string statement;
  static constexpr auto fields() {
    return rows(row("node", &Step::node, "id"), row("type", &Step::type, "component type, or entity"),
                row("link", &Step::link, "how the step before depends on it"),
                row("file", &Step::file, "evidence: file"), row("field", &Step::field, "evidence: place in the file"),
                row("digest", &Step::digest, "evidence: SHA-256 of the file"),
                row("statement", &Step::statement, "statement that says so"));
  }
};

struct LossSet {
  std::vector<std::string> entities;
  bool operator==(const LossSet&) const = default;
  static constexpr auto fields() {
    return rows(row("entities", &LossSet::entities, "lost together, they stop the product"));
  }
};

// The minimal cut sets of a product over entities.
struct LossSets {
  std::vector<LossSet> smallest;  // up to `shown`, smallest first
  std::int64_t total = 0;
  std::int64_t single = 0;  // sets of one entity: single points of failure
  std::string complete;     // "all", "all up to N entities", "not computed"
  static constexpr auto fields() {
    return rows(row("smallest", &LossSets::smallest, "smallest sets, smallest first"),
                row("total", &LossSets::total, "how many sets were found"),
                row("single", &LossSets::single, "sets of one entity"),
                row("complete", &LossSets::complete, "all, all up to N entities, or not computed"));
  }
};

struct ProductImpact {
  std::string product, name, area;
  std::string before, after, worst_case;  // running, degraded, stopped
  std::vector<Step> chain;                // why it is stopped or degraded
  LossSets losses;
  std::int64_t components = 0, unknown_components = 0;  // in everything it needs
  static constexpr auto fields() {
    return rows(
        row("product", &ProductImpact::product, "product id"), row("name", &ProductImpact::name, "product name"),
        row("area", &ProductImpact::area, "area"), row("before", &ProductImpact::before, "without the loss"),
        row("after", &ProductImpact::after, "with the loss, unknown suppliers kept (best case)"),
        row("worst_case", &ProductImpact::worst_case, "with the loss and all components of unknown suppliers gone"),
        row("chain", &ProductImpact::chain, "why, from the product down to the loss"),
        row("losses", &ProductImpact::losses, "smallest sets of entities whose loss stops the product"),
        row("components", &ProductImpact::components, "components it needs, directly or not"),
        row("unknown_components", &ProductImpact::unknown_components, "of these, without a known entity"));
  }
};

struct LostEntityRow {
  std::string entity, name, jurisdiction, because, statement;
  std::int64_t components = 0;
  static constexpr auto fields() {
    return rows(row("entity", &LostEntityRow::entity, "entity id"), row("name", &LostEntityRow::name, "legal name"),
                row("jurisdiction", &LostEntityRow::jurisdiction, "or unknown"),
                row("because", &LostEntityRow::because, "why it is lost"),
                row("statement", &LostEntityRow::statement, "evidence"),
                row("components", &LostEntityRow::components, "components lost with it"));
  }
};

// Something to correct in the facts; not a failure.
struct Finding {
  std::string reason, detail;
  static constexpr auto fields() {
    return rows(row("reason", &Finding::reason, "see hezong explain"),
                row("detail", &Finding::detail, "which objects"));
  }
};

struct Impact {
  std::vector<std::string> targets;
  std::int64_t control_bp = control_bp_default;
  std::vector<LostEntityRow> lost_entities;
  std::int64_t lost_components = 0;
  std::vector<ProductImpact> products;
  std::int64_t running = 0, degraded = 0, stopped = 0;
  std::vector<Finding> findings;
  std::vector<std::string> notes, assumptions;
  std::string frontier;  // digest of the heads the views were computed from
  static constexpr auto fields() {
    return rows(row("targets", &Impact::targets, "what the drill takes away"),
                row("control_bp", &Impact::control_bp, "a larger holding controls, hundredths of a percent"),
                row("lost_entities", &Impact::lost_entities, "entities lost, controlled ones included"),
                row("lost_components", &Impact::lost_components, "components lost directly"),
                row("products", &Impact::products, "every product"),
                row("running", &Impact::running, "products running"),
                row("degraded", &Impact::degraded, "running without the redundancy they had"),
                row("stopped", &Impact::stopped, "products stopped by the loss or before it"),
                row("findings", &Impact::findings, "facts to correct"), row("notes", &Impact::notes, "remarks"),
                row("assumptions", &Impact::assumptions, "what the answer takes for granted"),
                row("frontier", &Impact::frontier, "digest of the log heads the answer rests on"));
  }
};

struct ImpactOptions {
  std::uint32_t cut_order_max = 4;  // 0 = no cut sets
  std::size_t sets_shown = 5;
};

// `lives` has just been told to lose loss.node_ids(); it comes back in that state. Errors: drill.no_product,
// drill.cut_set_budget.
Result<Impact> assess(const Stack& stack, const Loss& loss, Propagation& lives, const ImpactOptions& options);

// The chain for one node that is stopped or degraded.
std::vector<Step> explain(const Stack& stack, const Loss& loss, const Propagation& lives, NodeId node);

// The minimal sets of entities that stop `root`. An entity's event takes along what it controls on its own.
Result<LossSets> entity_loss_sets(const Stack& stack, NodeId root, std::int64_t control_bp,
                                  const ImpactOptions& options);

}  // namespace hz::drill
