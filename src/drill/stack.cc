#include "drill/stack.h"

#include <algorithm>

#include "drill/evidence.h"
#include "drill/reasons.h"

namespace hz::drill {
namespace {

// The product a node belongs to, or null.
const Product* product_of(const World& world, std::string_view node) {
  for (const Product& p : world.products)
    if (belongs_to_product(node, p.id)) return &p;
  return nullptr;
}

}  // namespace

bool belongs_to_product(std::string_view node, std::string_view product) {
  constexpr std::string_view own = "product:", gate = "gate:";
  if (node.starts_with(own)) return node.substr(own.size()) == product;
  if (!node.starts_with(gate)) return false;
  node.remove_prefix(gate.size());
  return node.starts_with(product) && node.size() > product.size() && node[product.size()] == '/';
}

Result<Stack> Stack::build(const World& world, std::span<const Swap> swaps) {
  Stack s;
  s.world_ = &world;
  for (const Node& node : world.nodes) s.names_.intern(node.id);
  for (const Edge& edge : world.edges) {
    s.names_.intern(edge.node);
    s.names_.intern(edge.input);
  }
  for (const Product& p : world.products) s.names_.intern("product:" + p.id);
  for (const Site& site : world.sites) s.names_.intern(site.id);
  for (const ModelResult& r : world.model_results) s.names_.intern(r.backend);
  for (const Swap& swap : swaps) {
    s.names_.intern("substitution:" + swap.product);
    s.names_.intern(swap.substitute);
    if (!swap.site.empty()) s.names_.intern(swap.site);
    if (swap.keep_incumbent) s.names_.intern("either:" + swap.product);
  }

  const auto handle = [&](std::string_view id) { return *s.names_.find(id); };
  s.rows_.assign(s.names_.size(), nullptr);
  GraphBuilder builder(s.names_.size());
  for (const Node& node : world.nodes) {
    const std::uint32_t h = handle(node.id);
    s.rows_[h] = &node;
    if (node.op == "any")
      builder.need(h, 1);
    else if (node.op == "k_of_n" && node.k > 0 && node.k < need_all)
      builder.need(h, static_cast<std::uint32_t>(node.k));
    else if (node.op != "all")
      return fail(why("drill.row"), "node {} has op '{}', k {}", node.id, node.op, node.k);
  }
  builder.reserve_edges(world.edges.size() + 4 * swaps.size());
  for (const Edge& edge : world.edges) {
    const bool to_backend = edge.input.starts_with("backend:");
    if (to_backend) {
      const auto swap = std::find_if(swaps.begin(), swaps.end(), [&](const Swap& w) {
        return edge.input == w.incumbent && belongs_to_product(edge.node, w.product);
      });
      if (swap != swaps.end()) {
        builder.edge(handle(edge.node), handle((swap->keep_incumbent ? "either:" : "substitution:") + swap->product));
        continue;
      }
      const Node* node = s.rows_[handle(edge.node)];
      const Product* product = node && node->op == "any" ? product_of(world, edge.node) : nullptr;
      if (product && edge.input != product->incumbent) {
        const Fitness fitness = judge_evidence(world, *product, edge.input);
        if (!fitness.proven) {
          if (s.unproven_.empty() || s.unproven_.back().node != edge.node || s.unproven_.back().input != edge.input)
            s.unproven_.push_back({edge.node, edge.input, fitness.why});
          continue;
        }
      }
    }
    builder.edge(handle(edge.node), handle(edge.input));
  }
  for (const Swap& swap : swaps) {
    const std::uint32_t substitution = handle("substitution:" + swap.product);
    builder.edge(substitution, handle(swap.substitute));
    if (!swap.site.empty()) builder.edge(substitution, handle(swap.site));
    if (!swap.keep_incumbent) continue;
    const std::uint32_t either = handle("either:" + swap.product);
    builder.need(either, 1);
    builder.edge(either, substitution);
    builder.edge(either, handle(swap.incumbent));
  }
  s.graph_ = HZ_TRY(std::move(builder).build());
  return s;
}

std::optional<NodeId> Stack::find(std::string_view id) const {
  if (const auto handle = names_.find(id)) return graph_.node(*handle);
  return std::nullopt;
}

const Edge* Stack::evidence(NodeId node, NodeId input) const {
  // load_world sorts edges by (node, input, newest first).
  const std::pair<std::string_view, std::string_view> wanted{id(node), id(input)};
  const auto found =
      std::lower_bound(world_->edges.begin(), world_->edges.end(), wanted, [](const Edge& edge, const auto& key) {
        return std::pair<std::string_view, std::string_view>{edge.node, edge.input} < key;
      });
  if (found == world_->edges.end() || found->node != wanted.first || found->input != wanted.second) return nullptr;
  return &*found;
}

}  // namespace hz::drill
