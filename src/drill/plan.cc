#include "drill/plan.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "drill/evidence.h"
#include "drill/gaps.h"

namespace hz::drill {
namespace {

std::vector<std::string> all_backends(const World& world) {
  std::set<std::string> out;
  for (const Node& node : world.nodes)
    if (node.id.starts_with("backend:")) out.insert(node.id);
  for (const ModelResult& r : world.model_results) out.insert(r.backend);
  for (const Site& s : world.sites) out.insert(s.backend);
  return {out.begin(), out.end()};
}

// The same loss in another graph over the same world.
std::vector<NodeId> lost_in(const Stack& from, const Loss& loss, const Stack& to) {
  std::vector<NodeId> out;
  for (const LostNode& lost : loss.nodes)
    if (const auto n = to.find(from.id(lost.node))) out.push_back(*n);
  return out;
}

// "backend:ort <- npm:x@1 <- entity:y", without the first step when it is `self`.
std::string chain_text(const std::vector<Step>& chain) {
  std::string out;
  for (const Step& step : chain) {
    if (step.type == "gate") continue;
    out += (out.empty() ? "" : " ← ") + step.node;
  }
  return out;
}

class Planner {
 public:
  Planner(const Stack& stack, const Loss& loss, const Propagation& lives, const ImpactOptions& options)
      : stack_(stack), world_(stack.world()), loss_(loss), lives_(lives), options_(options) {
    for (const Unknown& unknown : world_.unknowns)
      if (unknown.what == "entity")
        if (const auto n = stack_.find(unknown.node)) unknown_.insert(*n);
  }

  Result<Plan> run() {
    Plan out;
    for (const Target& target : loss_.targets) out.targets.push_back(target.text);
    for (const std::string& backend : all_backends(world_))
      if (alive(backend)) surviving_.push_back(backend);
    for (const Product& product : world_.products) {
      ProductPlan line = HZ_TRY(plan_product(product));
      switch (line.outcome) {
        case Outcome::kept:
          ++out.kept;
          break;
        case Outcome::substituted:
          ++out.substituted;
          break;
        case Outcome::late:
          ++out.late;
          break;
        case Outcome::unsaved:
          ++out.unsaved;
          break;
      }
      if (line.choice) {
        out.unscanned += !line.choice->scanned;
        out.price_fen_per_hour_min += line.choice->price_fen_per_hour_min;
        out.price_fen_per_hour_max += line.choice->price_fen_per_hour_max;
      }
      out.products.push_back(std::move(line));
    }
    add_gaps(world_, surviving_, out);
    out.assumptions = assumptions(loss_);
    out.assumptions.push_back(
        "Prices, switch times and working hours are the ranges members declared; nothing is estimated.");
    out.assumptions.push_back("Sites state no capacity: each product is planned as if the site had room for it.");
    return out;
  }

 private:
  bool alive(const std::string& id) const {
    const auto n = stack_.find(id);
    return !n || lives_.life(*n) != Life::stopped;
  }

  std::vector<Option> options_for(const Product& product, ProductPlan& line) const {
    std::vector<Option> out;
    for (const std::string& backend : all_backends(world_)) {
      if (!alive(backend)) {
        line.rejected.push_back(
            {backend, "stops too: " + chain_text(explain(stack_, loss_, lives_, *stack_.find(backend))), ""});
        continue;
      }
      const Fitness fitness = judge_evidence(world_, product, backend);
      if (!fitness.proven) {
        line.rejected.push_back({backend, fitness.why, fitness.evidence ? fitness.evidence->statement : ""});
        continue;
      }
      std::size_t offers = 0, before = out.size();
      for (const Site& site : world_.sites) {
        if (site.backend != backend) continue;
        ++offers;
        if (alive(site.id)) out.push_back(make_option(product, backend, fitness, site));
      }
      if (out.size() == before)
        line.rejected.push_back({backend,
                                 offers == 0 ? "proven (" + fitness.why + "), but no site offers to run it"
                                             : "proven (" + fitness.why + "), but every site that offers it is lost",
                                 fitness.evidence->statement});
    }
    std::sort(out.begin(), out.end(), better);
    return out;
  }

  Option make_option(const Product& product, const std::string& backend, const Fitness& fitness,
                     const Site& site) const {
    Option o;
    o.backend = backend;
    o.site = site.id;
    o.site_name = site.name;
    o.verdict = fitness.evidence->verdict;
    o.quality_milli = fitness.evidence->quality_milli;
    o.drop_milli = fitness.drop_milli;
    o.price_fen_per_hour_min = site.price_fen_per_hour_min;
    o.price_fen_per_hour_max = site.price_fen_per_hour_max;
    o.switch_minutes_min = site.switch_minutes_min;
    o.switch_minutes_max = site.switch_minutes_max;
    o.timing = site.switch_minutes_max * 60 <= product.outage_max_s   ? Timing::within
               : site.switch_minutes_min * 60 <= product.outage_max_s ? Timing::may_exceed
                                                                      : Timing::exceeds;
    const auto n = stack_.find(backend);
    o.scanned = n && stack_.row(*n) && !stack_.graph().inputs(*n).empty();
    if (n)
      for (const NodeId below : cone_of(stack_.graph(), *n)) o.unknown_components += unknown_.contains(below);
    o.lift = fitness.evidence->lift;
    o.evidence = fitness.evidence->statement;
    o.site_statement = site.statement;
    o.evidence_member = fitness.evidence->member;
    o.site_member = site.member;
    return o;
  }

  // The product's life when the option stands in for the incumbent, by propagation; and, when it lives, the smallest
  // losses that would stop it with both in place.
  Result<std::string> refuted(const Product& product, const Option& option, LossSets& after) const {
    const Swap gone{product.id, product.incumbent, option.backend, option.site, false};
    const Stack swapped = HZ_TRY(Stack::build(world_, {&gone, 1}));
    Propagation lives(swapped.graph());
    lives.lose(lost_in(stack_, loss_, swapped));
    const NodeId root = *swapped.find("product:" + product.id);
    if (lives.life(root) == Life::stopped) {
      std::string chain;
      for (const NodeId n : lives.chain(root)) chain += (chain.empty() ? "" : " ← ") + std::string(swapped.id(n));
      return "still stopped with it: " + chain;
    }
    const Swap standby{product.id, product.incumbent, option.backend, option.site, true};
    const Stack both = HZ_TRY(Stack::build(world_, {&standby, 1}));
    after = HZ_TRY(entity_loss_sets(both, *both.find("product:" + product.id), loss_.control_bp, options_));
    return std::string();
  }

  Result<ProductPlan> plan_product(const Product& product) const {
    ProductPlan line;
    line.product = product.id;
    line.name = product.name;
    line.incumbent = product.incumbent;
    line.outage_max_s = product.outage_max_s;
    const NodeId root = *stack_.find("product:" + product.id);
    const bool serves = product.incumbent.empty() || alive(product.incumbent);
    if (lives_.life(root) != Life::stopped && serves) {
      line.change = "It needs no change under this loss.";
      return line;
    }
    for (const Release& release : world_.releases)
      if (release.model == product.model) {
        line.release_licence = release.licence;
        line.release_statement = release.statement;
        break;
      }

    std::string refutation;
    for (const Option& option : options_for(product, line)) {
      LossSets after;
      const std::string refuted_by = HZ_TRY(refuted(product, option, after));
      if (!refuted_by.empty()) {
        if (refutation.empty()) refutation = refuted_by;
        line.rejected.push_back({option.backend, "on " + option.site + ": " + refuted_by, option.evidence});
        continue;
      }
      if (!line.choice) {
        line.choice = option;
        line.losses_after = std::move(after);
      } else {
        line.second = option;
        break;
      }
    }
    if (!line.choice) {
      line.outcome = Outcome::unsaved;
      line.gap = gap_text(product, line, serves, refutation);
      line.change = serves               ? "A second source for what it lost."
                    : refutation.empty() ? closest_text(product)
                                         : "A second source for what else it lost, beside the substitute.";
      return line;
    }
    line.outcome = line.choice->timing == Timing::exceeds ? Outcome::late : Outcome::substituted;
    line.change = change_text(line);
    return line;
  }

  std::string gap_text(const Product& product, const ProductPlan& line, bool serves,
                       const std::string& refutation) const {
    if (serves) {
      const NodeId root = *stack_.find("product:" + product.id);
      return "No backend can help: " + chain_text(explain(stack_, loss_, lives_, root)) + ".";
    }
    if (!refutation.empty()) return "A proven substitute exists, and the product is " + refutation + ".";
    std::string worst;
    for (const Rejection& r : line.rejected)
      if (r.backend != product.incumbent && !r.why.starts_with("stops too"))
        worst += (worst.empty() ? " " : "; ") + r.backend + ": " + r.why;
    if (worst.empty()) return "Nothing proven exists: no other backend survives this loss.";
    return "Nothing proven exists." + worst + ".";
  }

  // The surviving backend with the fewest operators missing.
  std::string closest_text(const Product& product) const {
    std::string best;
    std::size_t least = 0;
    for (const std::string& backend : surviving_) {
      if (backend == product.incumbent || judge_evidence(world_, product, backend).proven) continue;
      const std::size_t missing = missing_ops(world_, product.model, backend).size();
      if (best.empty() || missing < least) {
        best = backend;
        least = missing;
      }
    }
    if (best.empty()) return "A proven backend that survives this loss, on a surviving site.";
    if (least == 0)
      return fmt::format("Closest: {}; its operators pass or are not known, the model as a whole is not proven.", best);
    return fmt::format("Closest: {}, {} operator{} away from a proof.", best, least, least == 1 ? "" : "s");
  }

  static std::string yuan(std::int64_t fen) { return fmt::format("{}.{:02}", fen / 100, fen % 100); }

  static std::string change_text(const ProductPlan& line) {
    const Option& choice = *line.choice;
    std::string out;
    if (!line.second) {
      out = fmt::format("There is no second proven option: losing {} or {} as well stops the product.", choice.backend,
                        choice.site);
    } else if (line.second->timing != choice.timing) {
      out = fmt::format("{} on {} would be chosen if its switch time fitted as well ({} now).", line.second->backend,
                        line.second->site, enum_text(line.second->timing));
    } else {
      out = fmt::format("{} on {} would be chosen if the first cost more than {} yuan an hour, or were lost too.",
                        line.second->backend, line.second->site, yuan(line.second->price_fen_per_hour_max));
    }
    if (choice.timing == Timing::may_exceed)
      out += " A switch at the slow end of the range exceeds the tolerated outage.";
    if (choice.timing == Timing::exceeds)
      out += " A faster switch is needed: even the fast end exceeds the tolerated outage.";
    if (!choice.scanned)
      out += " Whether the substitute itself survives is not shown: its supply chain is not known here.";
    return out;
  }

  const Stack& stack_;
  const World& world_;
  const Loss& loss_;
  const Propagation& lives_;
  const ImpactOptions& options_;
  std::set<NodeId> unknown_;
  std::vector<std::string> surviving_;
};

}  // namespace

bool better(const Option& a, const Option& b) {
  const auto key = [](const Option& o) {
    return std::tuple(static_cast<int>(o.timing), !o.scanned, o.price_fen_per_hour_max, o.price_fen_per_hour_min,
                      o.verdict != "STRICT", o.switch_minutes_max, -o.quality_milli, std::string_view(o.backend),
                      std::string_view(o.site));
  };
  return key(a) < key(b);
}

Result<Plan> make_plan(const Stack& stack, const Loss& loss, const Propagation& lives, const ImpactOptions& options) {
  return Planner(stack, loss, lives, options).run();
}

}  // namespace hz::drill
