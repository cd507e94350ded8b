#include "drill/gaps.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "drill/evidence.h"
#include "drill/target.h"

namespace hz::drill {
namespace {

const Need* find_need(const World& world, std::string_view component) {
  const Need* general = nullptr;
  for (const Need& need : world.needs) {
    if (need.component == component) return &need;
    if (glob_match(need.component, component)) general = &need;
  }
  return general;
}

// A single-precision row decides when there is one: that is what the models compute in.
bool is_float(std::string_view dtype) {
  return dtype == "float" || dtype == "float32" || dtype == "f32" || dtype == "FP32";
}

}  // namespace

std::vector<MissingOp> missing_ops(const World& world, const std::string& model, const std::string& backend) {
  std::vector<MissingOp> out;
  for (const ModelOp& op : world.model_ops) {
    if (op.model != model) continue;
    const std::string name = op.domain.empty() || op.domain == "ai.onnx" ? op.op_type : op.domain + ":" + op.op_type;
    const auto same_domain = [&](const std::string& domain) {
      const auto plain = [](const std::string& d) { return d == "ai.onnx" ? std::string() : d; };
      return plain(domain) == plain(op.domain);
    };
    bool any = false, any_float = false;
    for (const OperatorResult& r : world.operator_results)
      if (r.backend == backend && r.op_type == op.op_type && same_domain(r.domain) && r.verdict != "UNTESTED") {
        any = true;
        any_float = any_float || is_float(r.dtype);
      }
    if (!any) {
      if (std::none_of(out.begin(), out.end(), [&](const MissingOp& m) { return m.op == name; }))
        out.push_back({name, "UNTESTED", "no conformance case was run", ""});
      continue;
    }
    std::int64_t cases = 0, passed = 0;
    const OperatorResult* failed = nullptr;
    for (const OperatorResult& r : world.operator_results) {
      if (r.backend != backend || r.op_type != op.op_type || !same_domain(r.domain) || r.verdict == "UNTESTED")
        continue;
      if (any_float && !is_float(r.dtype)) continue;
      cases += r.cases;
      passed += r.passed;
      if (!proves(r.verdict)) failed = &r;
    }
    if (!failed) continue;
    if (std::none_of(out.begin(), out.end(), [&](const MissingOp& m) { return m.op == name; }))
      out.push_back({name, "FAILED", fmt::format("{} of {} conformance cases pass", passed, cases), failed->statement});
  }
  return out;
}

void add_gaps(const World& world, const std::vector<std::string>& surviving, Plan& plan) {
  std::map<std::pair<std::string, std::string>, RdItem> items;                       // (backend, op)
  std::map<std::tuple<std::string, std::string, std::string>, TrainingItem> skills;  // (component, skill, work)
  const auto teach = [&](const std::string& component, const std::string& work, const std::string& product) {
    const Need* need = find_need(world, component);
    if (!need) return;
    const auto [item, first] = skills.try_emplace(
        {component, need->skill, work},
        TrainingItem{component, need->skill, need->people_min, work + " for " + product, need->statement});
    if (!first) item->second.reason += ", " + product;
  };
  for (const ProductPlan& line : plan.products) {
    if (line.choice) teach(line.choice->backend, "run " + line.choice->backend, line.product);
    if (line.outcome != Outcome::unsaved) continue;
    const auto product = std::find_if(world.products.begin(), world.products.end(),
                                      [&](const Product& p) { return p.id == line.product; });
    // The backend with the least left to do; one that only fails as a whole counts as one item.
    const std::string* target = nullptr;
    std::vector<MissingOp> least;
    for (const std::string& backend : surviving) {
      if (backend == product->incumbent) continue;
      const Fitness fitness = judge_evidence(world, *product, backend);
      if (fitness.proven) continue;  // something else than evidence is missing
      std::vector<MissingOp> missing = missing_ops(world, product->model, backend);
      if (missing.empty())
        missing.push_back({"whole model",
                           fitness.evidence && fitness.evidence->verdict != "UNTESTED" ? "FAILED" : "UNTESTED",
                           fitness.why, fitness.evidence ? fitness.evidence->statement : ""});
      if (!target || missing.size() < least.size()) {
        target = &backend;
        least = std::move(missing);
      }
    }
    if (!target) continue;
    teach(*target, "port operators to " + *target, line.product);
    const Need* need = find_need(world, *target);
    for (MissingOp& op : least) {
      RdItem& item = items[{*target, op.op}];
      if (item.products.empty()) {
        item = {*target, op.op, op.status, {}, op.detail, 0, 0, false, op.statement};
        if (need) {
          item.hours_min = need->hours_per_operator_min;
          item.hours_max = need->hours_per_operator_max;
          item.hours_known = true;
        }
      }
      item.products.push_back(line.product);
    }
  }
  for (auto& [key, item] : items) plan.rd.push_back(std::move(item));
  std::sort(plan.rd.begin(), plan.rd.end(), [](const RdItem& a, const RdItem& b) {
    const auto key = [](const RdItem& i) { return std::tuple(-std::ssize(i.products), i.status, i.backend, i.op); };
    return key(a) < key(b);
  });
  for (auto& [key, item] : skills) plan.training.push_back(std::move(item));
}

}  // namespace hz::drill
