#include "drill/cut_sets.h"

#include <algorithm>
#include <optional>

#include "drill/reasons.h"

namespace hz::drill {
namespace {

using Set = std::vector<std::uint32_t>;  // ascending events

bool smaller(const Set& a, const Set& b) { return a.size() != b.size() ? a.size() < b.size() : a < b; }

// A family of sets none of which contains another, sorted by `smaller`.
struct Family {
  std::vector<Set> sets;
  bool operator==(const Family&) const = default;
};

const Family never;            // no way to fail
const Family always{{Set{}}};  // failed with nothing lost

// One run at one order limit.
class Search {
 public:
  Search(const Graph& graph, const Events& events, std::uint32_t order_max, std::uint64_t work_max)
      : graph_(graph), events_(events), order_max_(order_max), work_left_(work_max) {}

  // nullopt when the work ran out.
  std::optional<Family> run(NodeId root, std::span<const NodeId> cone);
  bool dropped() const { return dropped_; }

 private:
  Family own(NodeId n) const {
    Family out;
    for (const auto& [node, event] : events_.of(n)) out.sets.push_back({event});
    return out;
  }
  bool spend(std::uint64_t work) {
    if (work > work_left_) return exhausted_ = true, false;
    work_left_ -= work;
    return true;
  }
  // Sorts and removes supersets.
  Family absorb(std::vector<Set> sets);
  Family either(const Family& a, const Family& b);
  Family both(const Family& a, const Family& b);
  Family node_fails(NodeId n);
  void circle(const Block& block);
  const Family& of(NodeId n) const { return families_[slot_[n]]; }

  const Graph& graph_;
  const Events& events_;
  std::uint32_t order_max_;
  std::uint64_t work_left_;
  bool dropped_ = false, exhausted_ = false;
  std::vector<std::uint32_t> slot_;  // node -> place in families_; only set for the cone
  std::vector<Family> families_;
};

std::uint64_t signature(const Set& set) {
  std::uint64_t bits = 0;
  for (const std::uint32_t e : set) bits |= std::uint64_t{1} << (e % 64);
  return bits;
}

Family Search::absorb(std::vector<Set> sets) {
  std::sort(sets.begin(), sets.end(), smaller);
  sets.erase(std::unique(sets.begin(), sets.end()), sets.end());
  Family out;
  std::vector<std::uint64_t> signatures;
  for (Set& set : sets) {
    const std::uint64_t bits = signature(set);
    bool absorbed = false;
    std::size_t compared = 0;
    for (; compared < out.sets.size() && out.sets[compared].size() < set.size(); ++compared)
      if ((signatures[compared] & ~bits) == 0 &&
          std::includes(set.begin(), set.end(), out.sets[compared].begin(), out.sets[compared].end())) {
        absorbed = true;
        break;
      }
    if (!spend(compared + 1)) return out;
    if (absorbed) continue;
    out.sets.push_back(std::move(set));
    signatures.push_back(bits);
  }
  return out;
}

Family Search::either(const Family& a, const Family& b) {
  if (a.sets.empty()) return b;
  if (b.sets.empty()) return a;
  std::vector<Set> sets = a.sets;
  sets.insert(sets.end(), b.sets.begin(), b.sets.end());
  return absorb(std::move(sets));
}

Family Search::both(const Family& a, const Family& b) {
  if (a == always) return b;
  if (b == always) return a;
  std::vector<Set> sets;
  if (!spend(a.sets.size() * b.sets.size())) return {};
  for (const Set& x : a.sets)
    for (const Set& y : b.sets) {
      Set z;
      std::set_union(x.begin(), x.end(), y.begin(), y.end(), std::back_inserter(z));
      if (z.size() > order_max_) {
        dropped_ = true;
        continue;
      }
      sets.push_back(std::move(z));
    }
  return absorb(std::move(sets));
}

// Fails when fewer than need inputs are left: at least (inputs - need + 1) of them fail. `row[m]` = at least m of the
// inputs seen so far fail.
Family Search::node_fails(NodeId n) {
  const std::span<const NodeId> inputs = graph_.inputs(n);
  if (graph_.need(n) > inputs.size()) return always;
  Family result = own(n);
  if (inputs.empty()) return result;
  const std::size_t fatal = inputs.size() - graph_.need(n) + 1;
  if (fatal == 1) {
    std::vector<Set> sets = std::move(result.sets);
    for (const NodeId input : inputs) sets.insert(sets.end(), of(input).sets.begin(), of(input).sets.end());
    return absorb(std::move(sets));
  }
  std::vector<Family> row(fatal + 1, never);
  row[0] = always;
  for (std::size_t i = 0; i < inputs.size() && !exhausted_; ++i)
    for (std::size_t m = std::min(i + 1, fatal); m >= 1; --m) row[m] = either(row[m], both(row[m - 1], of(inputs[i])));
  return either(result, row[fatal]);
}

// Life in a circle is the least fixpoint, so failure is the greatest: start from "everybody has failed" and refine.
// Each round settles at least one more unit, and a family that did not change in a round never changes again.
void Search::circle(const Block& block) {
  const NodeId end = block.first + block.count;
  for (NodeId n = block.first; n < end; ++n) families_[slot_[n]] = always;
  for (bool changed = true; changed && !exhausted_;) {
    changed = false;
    // Members of one unit share one family: any own event of a member, any failure outside the unit.
    std::vector<Family> next(block.count);
    for (NodeId n = block.first; n < end; ++n) {
      const NodeId u = graph_.unit(n);
      if (u != n) continue;
      Family family;
      bool single = true;
      for (NodeId m = block.first; m < end; ++m) single = single && (m == n || graph_.unit(m) != u);
      if (single) {
        family = node_fails(n);
      } else {
        for (NodeId m = block.first; m < end; ++m) {
          if (graph_.unit(m) != u) continue;
          family = either(family, own(m));
          for (const NodeId input : graph_.inputs(m))
            if (input < block.first || input >= end || graph_.unit(input) != u) family = either(family, of(input));
        }
      }
      next[n - block.first] = std::move(family);
    }
    for (NodeId n = block.first; n < end; ++n) {
      const Family& family = next[graph_.unit(n) - block.first];
      if (families_[slot_[n]] == family) continue;
      families_[slot_[n]] = family;
      changed = true;
    }
  }
}

std::optional<Family> Search::run(NodeId root, std::span<const NodeId> cone) {
  slot_.assign(graph_.size(), no_node);
  families_.assign(cone.size(), {});
  for (std::uint32_t i = 0; i < cone.size(); ++i) slot_[cone[i]] = i;
  auto block = graph_.blocks().begin();
  for (std::size_t i = 0; i < cone.size() && !exhausted_; ++i) {
    const NodeId n = cone[i];
    while (block != graph_.blocks().end() && block->first + block->count <= n) ++block;
    if (block != graph_.blocks().end() && block->first <= n) {
      circle(*block);  // the whole circle lies in the cone, its members stand side by side
      i += block->count - 1;
    } else {
      families_[i] = node_fails(n);
    }
  }
  if (exhausted_) return std::nullopt;
  return families_[slot_[root]];
}

}  // namespace

void Events::seal() {
  std::sort(pairs_.begin(), pairs_.end());
  pairs_.erase(std::unique(pairs_.begin(), pairs_.end()), pairs_.end());
}

std::span<const std::pair<NodeId, std::uint32_t>> Events::of(NodeId node) const {
  const auto first = std::lower_bound(pairs_.begin(), pairs_.end(), std::pair<NodeId, std::uint32_t>{node, 0});
  auto last = first;
  while (last != pairs_.end() && last->first == node) ++last;
  return {first, last};
}

Result<CutSets> cut_sets(const Graph& graph, const Events& events, NodeId root, const CutSetOptions& options) {
  const std::vector<NodeId> cone = cone_of(graph, root);
  std::vector<std::uint32_t> distinct;
  for (const NodeId n : cone)
    for (const auto& [node, event] : events.of(n)) distinct.push_back(event);
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());

  CutSets out;
  out.events = static_cast<std::uint32_t>(distinct.size());
  std::uint32_t order = out.events;
  if (options.order_max != 0) order = std::min(order, options.order_max);
  order = std::max(order, 1u);
  for (;;) {
    Search search(graph, events, order, options.work_max);
    if (std::optional<Family> found = search.run(root, cone)) {
      out.sets = std::move(found->sets);
      out.exact = !search.dropped();
      out.complete_to_order = out.exact ? out.events : order;
      return out;
    }
    if (order == 1)
      return fail(why("drill.cut_set_budget"), "{} nodes, {} events below node {}, work limit {}", cone.size(),
                  out.events, graph.handle(root), options.work_max);
    order = order > 8 ? 8 : order - 1;
  }
}

}  // namespace hz::drill
