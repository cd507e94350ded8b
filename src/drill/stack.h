// The world's requirement graph: every node of the supply views with what it needs, ready for propagation.
//
// Two things happen on the way from rows to graph:
// - An alternative backend inside an `any` gate of a product counts only with conformance evidence on that product's
// model
//   (STRICT or BASIC_ONLY, quality within the product's tolerance). What nobody proved keeps nobody running; such
//   inputs are left out and listed in `unproven`.
// - A Swap puts a planned substitution in place of the incumbent, for one product only. A plan is verified by building
// the
//   graph with its swaps and losing the same things again.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "drill/graph.h"
#include "drill/names.h"
#include "drill/world.h"

namespace hz::drill {

struct Swap {
  std::string product;     // id without "product:"
  std::string incumbent;   // backend
  std::string substitute;  // backend
  std::string site;
  bool keep_incumbent =
      false;  // true: either of the two serves (after a plan is in place); false: the incumbent is gone
};

struct Unproven {
  std::string node, input, why;
};

class Stack {
 public:
  // Errors: drill.graph_size, drill.row (an unknown op).
  static Result<Stack> build(const World& world, std::span<const Swap> swaps = {});

  const Graph& graph() const { return graph_; }
  const Names& names() const { return names_; }
  std::optional<NodeId> find(std::string_view id) const;
  std::string_view id(NodeId n) const { return names_.text(graph_.handle(n)); }
  // The node's row; null for ids that only edges mention and for swaps.
  const Node* row(NodeId n) const { return rows_[graph_.handle(n)]; }
  // The newest evidence that `node` needs `input`, or null for links this class made.
  const Edge* evidence(NodeId node, NodeId input) const;
  std::span<const Unproven> unproven() const { return unproven_; }
  const World& world() const { return *world_; }

 private:
  const World* world_ = nullptr;
  Names names_;
  Graph graph_;
  std::vector<const Node*> rows_;
  std::vector<Unproven> unproven_;
};

// "product:glyph" and its gates "gate:glyph/..." belong to product glyph: only these change when a product swaps
// backends.
bool belongs_to_product(std::string_view node, std::string_view product);

}  // namespace hz::drill
