// The picture of a drill: from the cut over what it takes away to the products, with the substitutes beside them.
//
// Drawn is what explains: a lost component is explained by the entity behind it, so what it needs in turn is left out
// and counted; a stopped one by its stopped inputs; a degraded one by what it lost. Gates with one drawn input are
// skipped. Above `nodes_max` nodes, components of one type, entity and state that feed the same nodes are drawn as one
// box.
#pragma once
#include <string>
#include <vector>

#include "drill/rehearsal.h"

namespace hz::drill {

enum class Role { cut, stopped, degraded, substitute, product_stopped, product_degraded, product_saved };

struct ConeNode {
  std::string id;    // full, for the tooltip
  std::string name;  // first line
  std::string note;  // second line
  Role role = Role::stopped;
};
struct ConeEdge {
  std::size_t from = 0, to = 0;  // the loss (or the service) flows from left to right
  bool substitute = false;
};
struct Cone {
  std::vector<ConeNode> nodes;
  std::vector<ConeEdge> edges;
  std::size_t hidden = 0;     // lost or stopped components that explain nothing more
  std::size_t clustered = 0;  // components drawn inside a box with others
};

Cone affected_cone(const Rehearsal& drill, const Plan& plan, std::size_t nodes_max = 60);

// One <svg> element, or "" when nothing is affected. Colours are CSS variables of the page.
std::string draw(const Cone& cone);

}  // namespace hz::drill
