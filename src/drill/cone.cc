#include "drill/cone.h"

#include <algorithm>
#include <map>
#include <set>

#include "drill/text.h"

namespace hz::drill {
namespace {

std::string short_name(std::string_view id) {
  if (id.starts_with("model:")) return label(id);
  const std::string_view bare = without_version(id);
  const std::size_t colon = bare.find(':');
  return std::string(colon == std::string_view::npos ? bare : bare.substr(colon + 1));
}

std::string version_of(std::string_view id) {
  const std::string_view bare = without_version(id);
  return bare.size() == id.size() ? "" : std::string(id.substr(bare.size() + 1));
}

class Builder {
 public:
  Builder(const Rehearsal& drill, const Plan& plan)
      : stack_(drill.stack()), loss_(drill.loss()), lives_(drill.lives()), plan_(plan) {}

  Cone build() {
    for (const ProductPlan& line : plan_.products) {
      const NodeId root = *stack_.find("product:" + line.product);
      if (lives_.life(root) == Life::running && !line.choice) continue;
      const std::size_t box = add("product:" + line.product, line.name, product_note(line), product_role(line, root));
      if (lives_.life(root) != Life::running) explain(root, box);
      if (line.choice) {
        const Option& o = *line.choice;
        const std::string key = o.backend + " on " + o.site;
        const std::size_t substitute =
            add(key, short_name(o.backend) + " at " + short_name(o.site),
                price_range(o.price_fen_per_hour_min, o.price_fen_per_hour_max), Role::substitute);
        link(substitute, box, true);
      }
    }
    count_hidden();
    return std::move(cone_);
  }

 private:
  std::size_t add(const std::string& id, std::string name, std::string note, Role role) {
    const auto [at, is_new] = index_.emplace(id, cone_.nodes.size());
    if (is_new) cone_.nodes.push_back({id, std::move(name), std::move(note), role});
    return at->second;
  }
  void link(std::size_t from, std::size_t to, bool substitute) {
    if (linked_.emplace(from, to).second) cone_.edges.push_back({from, to, substitute});
  }

  static std::string product_note(const ProductPlan& line) {
    switch (line.outcome) {
      case Outcome::kept:
        return "degraded, kept";
      case Outcome::substituted:
        return "substituted";
      case Outcome::late:
        return "substituted late";
      case Outcome::unsaved:
        return "nothing proven";
    }
    return "";
  }
  Role product_role(const ProductPlan& line, NodeId root) const {
    if (line.choice) return Role::product_saved;
    return lives_.life(root) == Life::stopped ? Role::product_stopped : Role::product_degraded;
  }

  // Draws the inputs that explain node n, which is drawn as `box`.
  void explain(NodeId n, std::size_t box) {
    if (lives_.lost(n)) return explain_loss(n, box);
    if (!visited_.emplace(n, box).second) return;
    for (const NodeId input : stack_.graph().inputs(n)) {
      if (lives_.life(input) == Life::running) continue;
      if (lives_.life(n) == Life::stopped && lives_.life(input) != Life::stopped) continue;
      drawn_.insert(input);
      if (is_plain_gate(input)) {
        explain(input, box);
        continue;
      }
      const std::size_t from = add_node(input);
      link(from, box, false);
      explain(input, from);
    }
  }

  // A gate whose drawn inputs are one: it says nothing of its own.
  bool is_plain_gate(NodeId n) const {
    if (!stack_.id(n).starts_with("gate:") || lives_.lost(n)) return false;
    std::size_t drawn = 0;
    for (const NodeId input : stack_.graph().inputs(n))
      drawn += lives_.life(input) != Life::running &&
               (lives_.life(n) != Life::stopped || lives_.life(input) == Life::stopped);
    return drawn <= 1 || stack_.graph().needs_all(n);
  }

  std::size_t add_node(NodeId n) {
    const std::string id(stack_.id(n));
    const Node* row = stack_.row(n);
    const Role role = lives_.lost(n) ? Role::cut : lives_.life(n) == Life::stopped ? Role::stopped : Role::degraded;
    if (id.starts_with("gate:")) {
      const std::size_t of = stack_.graph().inputs(n).size();
      const std::uint32_t need = stack_.graph().need(n);
      const std::string what = need == 1 ? fmt::format("any of {}", of) : fmt::format("{} of {}", need, of);
      return add(id, what, std::string(life_text(lives_.life(n))), role);
    }
    std::string note = row ? row->type : std::string(id.substr(0, id.find(':')));
    std::replace(note.begin(), note.end(), '_', ' ');
    if (const std::string version = version_of(id); !version.empty()) note += " " + version;
    return add(id, short_name(id), std::move(note), role);
  }

  void explain_loss(NodeId n, std::size_t box) {
    const LostNode* lost = loss_.node(n);
    if (!lost || lost->entity.empty()) return;
    link(add_entity(lost->entity), box, false);
  }

  std::size_t add_entity(const std::string& id) {
    const bool known = index_.contains(id);
    const LostEntity* lost = loss_.entity(id);
    std::string note = "entity";
    for (const Entity& entity : stack_.world().entities)
      if (entity.id == id) note = entity.name;
    const std::size_t box = add(id, label(id), note, Role::cut);
    if (known || !lost || lost->because == "named in the drill") return box;
    if (lost->because.starts_with("jurisdiction ")) {
      const std::string code = lost->because.substr(13);
      link(add("jurisdiction:" + code, code, "jurisdiction", Role::cut), box, false);
      return box;
    }
    for (const Holding& holding : stack_.world().holdings)
      if (holding.entity == id && loss_.entity(holding.owner) && holding.owner != id)
        link(add_entity(holding.owner), box, false);
    return box;
  }

  void count_hidden() {
    std::set<NodeId> below;
    for (const Product& product : stack_.world().products)
      for (const NodeId n : cone_of(stack_.graph(), *stack_.find("product:" + product.id))) below.insert(n);
    for (const NodeId n : below) {
      const std::string_view id = stack_.id(n);
      if (lives_.life(n) == Life::stopped && !drawn_.contains(n) && !id.starts_with("product:") &&
          !id.starts_with("gate:"))
        ++cone_.hidden;
    }
  }

  const Stack& stack_;
  const Loss& loss_;
  const Propagation& lives_;
  const Plan& plan_;
  Cone cone_;
  std::map<std::string, std::size_t> index_;
  std::set<std::pair<std::size_t, std::size_t>> linked_;
  std::map<NodeId, std::size_t> visited_;
  std::set<NodeId> drawn_;
};

// Boxes with the same neighbours on the right, role and kind become one.
Cone cluster(const Cone& cone) {
  std::map<std::size_t, std::set<std::size_t>> right;
  for (const ConeEdge& e : cone.edges) right[e.from].insert(e.to);
  using Key = std::tuple<int, std::string, std::set<std::size_t>>;
  std::map<Key, std::vector<std::size_t>> groups;
  for (std::size_t n = 0; n < cone.nodes.size(); ++n) {
    const ConeNode& node = cone.nodes[n];
    const bool keep = node.role >= Role::substitute || node.id.starts_with("entity:") ||
                      node.id.starts_with("jurisdiction:") || node.id.starts_with("gate:");
    const std::string kind = keep ? node.id : node.id.substr(0, node.id.find(':'));
    groups[{static_cast<int>(node.role), kind, right[n]}].push_back(n);
  }
  Cone out;
  out.hidden = cone.hidden;
  std::vector<std::size_t> moved(cone.nodes.size());
  std::vector<std::pair<std::size_t, const std::vector<std::size_t>*>> ordered;
  for (const auto& [key, members] : groups) ordered.emplace_back(members.front(), &members);
  std::sort(ordered.begin(), ordered.end());
  for (const auto& [first, members] : ordered) {
    for (const std::size_t n : *members) moved[n] = out.nodes.size();
    ConeNode node = cone.nodes[first];
    if (members->size() > 1) {
      out.clustered += members->size();
      node.note = fmt::format("{} with {} more", node.id.substr(0, node.id.find(':')), members->size() - 1);
      for (std::size_t i = 1; i < members->size() && i < 12; ++i) node.id += "\n" + cone.nodes[(*members)[i]].id;
      if (members->size() > 12) node.id += fmt::format("\n… and {} more", members->size() - 12);
    }
    out.nodes.push_back(std::move(node));
  }
  std::set<std::pair<std::size_t, std::size_t>> seen;
  for (const ConeEdge& e : cone.edges)
    if (seen.emplace(moved[e.from], moved[e.to]).second)
      out.edges.push_back({moved[e.from], moved[e.to], e.substitute});
  return out;
}

}  // namespace

Cone affected_cone(const Rehearsal& drill, const Plan& plan, std::size_t nodes_max) {
  Cone cone = Builder(drill, plan).build();
  if (cone.nodes.size() > nodes_max) cone = cluster(cone);
  return cone;
}

}  // namespace hz::drill
