#include "drill/loss.h"

#include <algorithm>
#include <map>

#include "drill/reasons.h"

namespace hz::drill {
namespace {

std::string percent(std::int64_t bp) { return fmt::format("{}.{:02} %", bp / 100, bp % 100); }

// Every entity id that any row mentions, with its jurisdiction ("" when no row says).
std::map<std::string, std::string> known_entities(const World& world) {
  std::map<std::string, std::string> out;
  for (const Node& node : world.nodes)
    if (!node.entity.empty()) out.emplace(node.entity, "");
  for (const Holding& holding : world.holdings) {
    out.emplace(holding.entity, "");
    out.emplace(holding.owner, "");
  }
  for (const Site& site : world.sites)
    if (!site.entity.empty()) out.emplace(site.entity, "");
  for (const Entity& entity : world.entities) out[entity.id] = entity.jurisdiction;
  return out;
}

bool same(std::string_view a, std::string_view b) { return glob_match(a, b); }

class Resolver {
 public:
  Resolver(const Stack& stack, std::int64_t control_bp)
      : stack_(stack), world_(stack.world()), known_(known_entities(world_)) {
    loss_.control_bp = control_bp;
  }

  Result<void> add(const Target& target) {
    loss_.targets.push_back(target);
    bool hit = false;
    switch (target.kind) {
      case TargetKind::entity:
        hit = add_entities(target, false);
        break;
      case TargetKind::owner:
        hit = add_entities(target, true);
        break;
      case TargetKind::jurisdiction:
        hit = add_jurisdiction(target);
        break;
      case TargetKind::node:
        hit = add_nodes(target);
        break;
    }
    if (hit) return {};
    std::string hint;
    for (const std::string& name : nearest(target.text, candidates(), 3)) hint += hint.empty() ? name : ", " + name;
    return fail(why("drill.unknown_target"), "'{}' matches nothing known here{}", target.text,
                hint.empty() ? "" : "; nearest: " + hint);
  }

  Loss finish() {
    loss_.entities = control_closure(world_.holdings, loss_.entities, loss_.control_bp);
    const Graph& graph = stack_.graph();
    for (NodeId n = 0; n < graph.size(); ++n) {
      const Node* row = stack_.row(n);
      if (!row || row->entity.empty()) continue;
      if (loss_.entity(row->entity)) lose(n, "supplied by " + row->entity, row->entity);
    }
    for (const Site& site : world_.sites) {
      const NodeId n = *stack_.find(site.id);
      if (loss_.entity(site.entity)) lose(n, "run by " + site.entity, site.entity);
      for (const std::string& pattern : jurisdictions_)
        if (same(pattern, site.jurisdiction)) lose(n, "stands under jurisdiction " + site.jurisdiction, "");
    }
    std::sort(loss_.nodes.begin(), loss_.nodes.end(),
              [](const LostNode& a, const LostNode& b) { return a.node < b.node; });
    std::set<std::string_view> suppliers;
    for (const LostNode& lost : loss_.nodes) suppliers.insert(lost.entity);
    for (const LostEntity& entity : loss_.entities) {
      if (!suppliers.contains(entity.entity))
        loss_.notes.push_back(entity.entity + " supplies no component known here");
    }
    return std::move(loss_);
  }

 private:
  void lose_entity(const std::string& id, std::string because, std::string statement) {
    if (!loss_.entity(id)) {
      loss_.entities.push_back({id, std::move(because), std::move(statement)});
      std::sort(loss_.entities.begin(), loss_.entities.end(),
                [](const LostEntity& a, const LostEntity& b) { return a.entity < b.entity; });
    }
  }
  void lose(NodeId n, std::string because, std::string entity) {
    if (lost_.insert(n).second) loss_.nodes.push_back({n, std::move(because), std::move(entity)});
  }
  std::string statement_of(std::string_view entity) const {
    for (const Entity& e : world_.entities)
      if (e.id == entity) return e.statement;
    return {};
  }

  bool add_entities(const Target& target, bool owners_too) {
    bool hit = false;
    for (const auto& [id, jurisdiction] : known_) {
      if (!same("entity:" + target.pattern, id) && !same(target.pattern, id)) continue;
      if (owners_too) {
        const bool holds = std::any_of(world_.holdings.begin(), world_.holdings.end(),
                                       [&](const Holding& h) { return h.owner == id; });
        if (!holds) continue;
      }
      lose_entity(id, "named in the drill", statement_of(id));
      hit = true;
    }
    return hit;
  }
  bool add_jurisdiction(const Target& target) {
    bool hit = false;
    for (const auto& [id, jurisdiction] : known_) {
      if (jurisdiction.empty() || jurisdiction == "unknown" || !same(target.pattern, jurisdiction)) continue;
      lose_entity(id, "jurisdiction " + jurisdiction, statement_of(id));
      hit = true;
    }
    for (const Site& site : world_.sites) hit = hit || same(target.pattern, site.jurisdiction);
    if (hit) jurisdictions_.push_back(target.pattern);
    return hit;
  }
  bool add_nodes(const Target& target) {
    bool hit = false;
    const Graph& graph = stack_.graph();
    for (NodeId n = 0; n < graph.size(); ++n) {
      const std::string_view id = stack_.id(n);
      const std::string_view bare = without_version(id);
      if (!same(target.pattern, id) && !same(target.pattern, bare)) {
        // component:NAME without a namespace: any namespace.
        const bool headless = target.text.starts_with("component:") && target.pattern.find(':') == std::string::npos;
        const auto tail = [](std::string_view text) { return text.substr(text.find(':') + 1); };
        if (!headless || (!same(target.pattern, tail(id)) && !same(target.pattern, tail(bare)))) continue;
      }
      lose(n, "named in the drill", "");
      hit = true;
    }
    return hit;
  }

  std::vector<std::string> candidates() const {
    std::vector<std::string> out;
    for (const auto& [id, jurisdiction] : known_) {
      out.push_back(id);
      if (!jurisdiction.empty() && jurisdiction != "unknown") out.push_back("jurisdiction:" + jurisdiction);
    }
    for (const Holding& holding : world_.holdings) {
      const std::string_view owner = holding.owner;
      out.push_back("owner:" + std::string(owner.substr(owner.find(':') + 1)));
    }
    for (NodeId n = 0; n < stack_.graph().size(); ++n) out.emplace_back(stack_.id(n));
    return out;
  }

  const Stack& stack_;
  const World& world_;
  std::map<std::string, std::string> known_;  // entity -> jurisdiction
  std::vector<std::string> jurisdictions_;    // patterns
  std::set<NodeId> lost_;
  Loss loss_;
};

}  // namespace

const LostEntity* Loss::entity(std::string_view id) const {
  const auto found = std::lower_bound(entities.begin(), entities.end(), id,
                                      [](const LostEntity& e, std::string_view wanted) { return e.entity < wanted; });
  return found != entities.end() && found->entity == id ? &*found : nullptr;
}

const LostNode* Loss::node(NodeId n) const {
  const auto found = std::lower_bound(nodes.begin(), nodes.end(), n,
                                      [](const LostNode& lost, NodeId wanted) { return lost.node < wanted; });
  return found != nodes.end() && found->node == n ? &*found : nullptr;
}

std::vector<NodeId> Loss::node_ids() const {
  std::vector<NodeId> out;
  for (const LostNode& lost : nodes) out.push_back(lost.node);
  return out;
}

std::vector<LostEntity> control_closure(std::span<const Holding> holdings, const std::vector<LostEntity>& seeds,
                                        std::int64_t control_bp) {
  std::map<std::string, LostEntity, std::less<>> lost;
  for (const LostEntity& seed : seeds) lost.emplace(seed.entity, seed);
  for (bool changed = true; changed;) {
    changed = false;
    struct Sum {
      std::map<std::string, std::int64_t> by_owner;  // two lists may state the same holding: the larger claim counts
      std::string statement;
    };
    std::map<std::string, Sum> held;
    for (const Holding& holding : holdings) {
      if (lost.contains(holding.entity) || !lost.contains(holding.owner)) continue;
      Sum& sum = held[holding.entity];
      std::int64_t& share = sum.by_owner[holding.owner];
      share = std::max(share, holding.share_bp);
      sum.statement = holding.statement;
    }
    for (const auto& [entity, sum] : held) {
      std::int64_t share = 0;
      std::string owners;
      for (const auto& [owner, part] : sum.by_owner) {
        share += part;
        owners += (owners.empty() ? "" : ", ") + owner;
      }
      if (share <= control_bp) continue;
      const std::string together = sum.by_owner.size() > 1 ? " together" : "";
      lost.emplace(entity, LostEntity{entity, percent(share) + " held" + together + " by " + owners, sum.statement});
      changed = true;
    }
  }
  std::vector<LostEntity> out;
  for (auto& [id, entity] : lost) out.push_back(std::move(entity));
  return out;
}

Result<Loss> resolve_loss(const Stack& stack, std::span<const Target> targets, std::int64_t control_bp) {
  if (targets.empty()) return fail(why("drill.no_target"), "no target given");
  if (control_bp < 0 || control_bp > 9999) return fail(why("drill.control_bp"), "{} is outside 0 .. 9999", control_bp);
  Resolver resolver(stack, control_bp);
  for (const Target& target : targets) HZ_TRY(resolver.add(target));
  return resolver.finish();
}

std::vector<std::string> assumptions(const Loss& loss) {
  return {
      "The loss is involuntary and total: everything attributed to a lost entity counts as lost, copies already "
      "installed "
      "included.",
      fmt::format("Control: whoever holds more than {}.{:02} % of an entity, alone or together with other lost owners, "
                  "takes it along.",
                  loss.control_bp / 100, loss.control_bp % 100),
      "Components without a known entity are kept in the main answer; the worst case loses all of them.",
  };
}

}  // namespace hz::drill
