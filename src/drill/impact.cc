#include "drill/impact.h"

#include <algorithm>
#include <map>
#include <set>

#include "drill/cut_sets.h"
#include "drill/reasons.h"

namespace hz::drill {
namespace {

std::string type_of(const Stack& stack, NodeId n) {
  if (const Node* row = stack.row(n)) return row->type;
  const std::string_view id = stack.id(n);
  return std::string(id.substr(0, id.find(':')));
}

// Ids of nodes whose supplier nobody named.
std::vector<NodeId> unknown_nodes(const Stack& stack) {
  std::set<NodeId> out;
  for (const Unknown& unknown : stack.world().unknowns)
    if (unknown.what == "entity")
      if (const auto n = stack.find(unknown.node)) out.insert(*n);
  return {out.begin(), out.end()};
}

bool is_component(const Stack& stack, NodeId n) {
  const std::string type = type_of(stack, n);
  return type != "product" && type != "gate" && type != "skill" && type != "substitution" && type != "either";
}

// Entities with the nodes that fall with each alone: event numbers are positions in `entities`.
struct EntityEvents {
  std::vector<std::string> entities;
  Events events;
};

EntityEvents entity_events(const Stack& stack, std::int64_t control_bp) {
  std::map<std::string, std::vector<NodeId>, std::less<>> nodes_of;
  for (NodeId n = 0; n < stack.graph().size(); ++n)
    if (const Node* row = stack.row(n); row && !row->entity.empty()) nodes_of[row->entity].push_back(n);
  for (const Site& site : stack.world().sites)
    if (!site.entity.empty()) nodes_of[site.entity].push_back(*stack.find(site.id));
  std::set<std::string> names;
  for (const auto& [entity, nodes] : nodes_of) names.insert(entity);
  for (const Holding& holding : stack.world().holdings) names.insert(holding.owner);

  EntityEvents out;
  std::set<std::string_view> owners;
  for (const Holding& holding : stack.world().holdings) owners.insert(holding.owner);
  for (const std::string& name : names) {
    const auto event = static_cast<std::uint32_t>(out.entities.size());
    out.entities.push_back(name);
    std::vector<LostEntity> taken{{name, "", ""}};
    if (owners.contains(name)) taken = control_closure(stack.world().holdings, taken, control_bp);
    for (const LostEntity& entity : taken)
      if (const auto found = nodes_of.find(entity.entity); found != nodes_of.end())
        for (const NodeId n : found->second) out.events.add(n, event);
  }
  out.events.seal();
  return out;
}

Result<LossSets> loss_sets_of(const Stack& stack, const EntityEvents& named, NodeId root,
                              const ImpactOptions& options) {
  LossSets out;
  if (options.cut_order_max == 0) {
    out.complete = "not computed";
    return out;
  }
  const CutSets found = HZ_TRY(cut_sets(stack.graph(), named.events, root, {.order_max = options.cut_order_max}));
  for (const auto& set : found.sets) {
    if (set.size() == 1) ++out.single;
    if (out.smallest.size() >= options.sets_shown) continue;
    LossSet names;
    for (const std::uint32_t event : set) names.entities.push_back(named.entities[event]);
    out.smallest.push_back(std::move(names));
  }
  out.total = static_cast<std::int64_t>(found.sets.size());
  out.complete = found.exact ? "all" : fmt::format("all up to {} entities", found.complete_to_order);
  return out;
}

std::vector<Finding> findings_of(const Stack& stack) {
  std::vector<Finding> out;
  const Graph& graph = stack.graph();
  for (const Block& block : graph.blocks()) {
    std::string members;
    for (NodeId n = block.first; n < block.first + block.count; ++n) {
      if (n - block.first == 8) {
        members += fmt::format(" and {} more", block.count - 8);
        break;
      }
      members += (members.empty() ? "" : ", ") + std::string(stack.id(n));
    }
    out.push_back({std::string(why("drill.cycle").slug), members});
  }
  for (const std::uint32_t handle : graph.self_needs())
    out.push_back({std::string(why("drill.cycle").slug), std::string(stack.names().text(handle)) + " names itself"});
  for (NodeId n = 0; n < graph.size(); ++n)
    if (graph.need(n) > graph.inputs(n).size() && !graph.inputs(n).empty())
      out.push_back({std::string(why("drill.impossible").slug),
                     fmt::format("{} asks for {} of {} inputs", stack.id(n), graph.need(n), graph.inputs(n).size())});
  return out;
}

}  // namespace

std::vector<Step> explain(const Stack& stack, const Loss& loss, const Propagation& lives, NodeId node) {
  std::vector<NodeId> path;
  if (lives.life(node) == Life::degraded) {
    // Down through degraded inputs to the nearest stopped one.
    std::map<NodeId, NodeId> from{{node, node}};
    std::vector<NodeId> open{node};
    NodeId end = no_node;
    for (std::size_t i = 0; i < open.size() && end == no_node; ++i)
      for (const NodeId input : stack.graph().inputs(open[i])) {
        if (lives.life(input) == Life::running || !from.emplace(input, open[i]).second) continue;
        if (lives.life(input) == Life::stopped) {
          end = input;
          break;
        }
        open.push_back(input);
      }
    if (end == no_node) return {};
    for (NodeId n = from.at(end);; n = from.at(n)) {
      path.push_back(n);
      if (n == node) break;
    }
    std::reverse(path.begin(), path.end());
    const std::vector<NodeId> rest = lives.chain(end);
    path.insert(path.end(), rest.begin(), rest.end());
  } else if (lives.life(node) == Life::stopped) {
    path = lives.chain(node);
  }

  std::vector<Step> out;
  for (std::size_t i = 0; i < path.size(); ++i) {
    Step step{std::string(stack.id(path[i])), type_of(stack, path[i]), i == 0 ? "" : "needs", "", "", "", ""};
    if (const Edge* edge = i == 0 ? nullptr : stack.evidence(path[i - 1], path[i])) {
      step.file = edge->file;
      step.field = edge->field;
      step.digest = edge->digest;
      step.statement = edge->statement;
    }
    out.push_back(std::move(step));
  }
  if (path.empty()) return out;
  const NodeId last = path.back();
  if (const LostNode* lost = loss.node(last)) {
    if (const LostEntity* entity = loss.entity(lost->entity)) {
      const Node* row = stack.row(last);
      out.push_back({entity->entity, "entity", lost->because.substr(0, lost->because.rfind(' ')), "",
                     row ? "attribution: " + row->entity_source : "", "", row ? row->statement : ""});
      if (entity->because != "named in the drill")
        out.push_back({entity->because, "cause", "", "", "", "", entity->statement});
    } else {
      out.push_back({lost->because, "cause", "", "", "", "", ""});
    }
  } else if (stack.graph().need(last) > stack.graph().inputs(last).size()) {
    out.push_back({"asks for more inputs than it has", "cause", "", "", "", "", ""});
  } else {
    out.push_back({"its alternatives support only each other", "cause", "", "", "", "", ""});
  }
  return out;
}

Result<LossSets> entity_loss_sets(const Stack& stack, NodeId root, std::int64_t control_bp,
                                  const ImpactOptions& options) {
  return loss_sets_of(stack, entity_events(stack, control_bp), root, options);
}

Result<Impact> assess(const Stack& stack, const Loss& loss, Propagation& lives, const ImpactOptions& options) {
  const World& world = stack.world();
  if (world.products.empty()) return fail(why("drill.no_product"), "the views hold no product");
  Impact out;
  for (const Target& target : loss.targets) out.targets.push_back(target.text);
  out.control_bp = loss.control_bp;
  out.lost_components = static_cast<std::int64_t>(loss.nodes.size());
  for (const LostEntity& lost : loss.entities) {
    LostEntityRow line{lost.entity, "", "unknown", lost.because, lost.statement, 0};
    for (const Entity& entity : world.entities)
      if (entity.id == lost.entity) {
        line.name = entity.name;
        line.jurisdiction = entity.jurisdiction;
      }
    for (const LostNode& node : loss.nodes) line.components += node.entity == lost.entity;
    out.lost_entities.push_back(std::move(line));
  }

  const std::vector<NodeId> unknown = unknown_nodes(stack);
  const EntityEvents named = entity_events(stack, loss.control_bp);
  for (const Product& product : world.products) {
    const NodeId root = *stack.find("product:" + product.id);
    ProductImpact line;
    line.product = product.id;
    line.name = product.name;
    line.area = product.area;
    line.before = life_text(lives.life_before(root));
    line.after = life_text(lives.life(root));
    line.chain = explain(stack, loss, lives, root);
    line.losses = HZ_TRY(loss_sets_of(stack, named, root, options));
    const std::vector<NodeId> cone = cone_of(stack.graph(), root);
    for (const NodeId n : cone) line.components += is_component(stack, n);
    std::vector<NodeId> both;
    std::set_intersection(cone.begin(), cone.end(), unknown.begin(), unknown.end(), std::back_inserter(both));
    line.unknown_components = static_cast<std::int64_t>(both.size());
    switch (lives.life(root)) {
      case Life::running:
        ++out.running;
        break;
      case Life::degraded:
        ++out.degraded;
        break;
      case Life::stopped:
        ++out.stopped;
        break;
    }
    out.products.push_back(std::move(line));
  }

  std::vector<NodeId> lost = loss.node_ids();
  const std::size_t lost_count = lost.size();
  lost.insert(lost.end(), unknown.begin(), unknown.end());
  lives.lose(lost);
  for (std::size_t i = 0; i < world.products.size(); ++i)
    out.products[i].worst_case = life_text(lives.life(*stack.find("product:" + world.products[i].id)));
  lost.resize(lost_count);
  lives.lose(lost);

  out.findings = findings_of(stack);
  out.notes = loss.notes;
  for (const Unproven& u : stack.unproven())
    out.notes.push_back(fmt::format("{} lists {} as an alternative; it does not count: {}", u.node, u.input, u.why));
  out.assumptions = assumptions(loss);
  return out;
}

}  // namespace hz::drill
