#include "standards/verdict.h"

namespace hz::standards {
namespace {

// Which case is shown: wrong answers before crashes before refusals, larger errors first.
std::pair<int, double> weight(const CaseResult& r) {
  if (r.status == Status::wrong) return {5, r.excess};
  if (damning(r.status)) return {4, 0};
  if (r.status == Status::flaky) return {3, 0};
  if (r.status == Status::repaired) return {1, 0};
  return {2, 0};
}

struct Tally {
  OperatorVerdict row;
  bool damned = false;
  const CaseResult* worst = nullptr;
};

}  // namespace

std::vector<OperatorVerdict> judge_operators(const Suite& suite, const Run& run) {
  std::map<OperatorKey, Tally> tallies;
  for (std::size_t i = 0; i < suite.cases.size(); ++i) {
    const Case& c = suite.cases[i];
    const CaseResult& r = run.results[i];
    if (c.key.op_type.empty()) continue;
    Tally& tally = tallies[c.key];
    tally.row.key = c.key;
    if (r.status == Status::waived || r.status == Status::inexpressible) continue;
    ++tally.row.cases;
    if (r.status == Status::pass) {
      ++tally.row.passed;
      continue;
    }
    if (r.status == Status::repaired) ++tally.row.repaired;
    tally.damned = tally.damned || damning(r.status) || (r.status == Status::flaky && r.damning_try);
    if (tally.worst && weight(*tally.worst) >= weight(r)) continue;
    tally.worst = &r;
    tally.row.worst = r.status == Status::repaired ? fmt::format("{}: pass after {}", c.name, r.repair)
                                                   : fmt::format("{}: {}: {}", c.name, enum_text(r.status), r.detail);
  }
  std::vector<OperatorVerdict> out;
  for (auto& [key, tally] : tallies) {
    OperatorVerdict& row = tally.row;
    const int passing = row.passed + row.repaired;
    row.verdict = tally.damned              ? Verdict::failed
                  : passing == 0            ? Verdict::untested
                  : row.passed == row.cases ? Verdict::strict
                                            : Verdict::basic_only;
    out.push_back(std::move(row));
  }
  return out;
}

}  // namespace hz::standards
