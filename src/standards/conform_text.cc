#include "standards/conform.h"
#include "standards/text.h"

namespace hz::standards {
namespace {

std::int64_t count(const BackendOutcome& b, std::initializer_list<Status> wanted) {
  std::int64_t n = 0;
  for (const StatusCount& c : b.counts)
    for (const Status s : wanted)
      if (c.status == s) n += c.cases;
  return n;
}

std::string alarm(std::int64_t n, const api::Style& style) { return n > 0 ? style.red(fmt::format("{}", n)) : "0"; }

std::string operator_tables(const ConformOut& out, const api::Style& style) {
  std::vector<std::vector<std::string>> cases{{"backend", "version", "pass", "repaired", "waived", "WRONG",
                                               "crash/hang", "flaky", "refused", "not expressible", "ms"}};
  std::vector<std::vector<std::string>> verdicts{{"backend", "STRICT", "BASIC_ONLY", "FAILED", "UNTESTED"}};
  for (const BackendOutcome& b : out.backends) {
    if (!b.present || b.cases == 0) continue;
    cases.push_back({b.name, b.version, fmt::format("{}", count(b, {Status::pass})),
                     fmt::format("{}", count(b, {Status::repaired})), fmt::format("{}", count(b, {Status::waived})),
                     alarm(count(b, {Status::wrong, Status::wrong_shape, Status::wrong_dtype}), style),
                     alarm(count(b, {Status::crash, Status::timeout, Status::garbage}), style),
                     alarm(count(b, {Status::flaky}), style),
                     fmt::format("{}", count(b, {Status::unsupported, Status::invalid, Status::run_error})),
                     fmt::format("{}", count(b, {Status::inexpressible})), fmt::format("{}", b.wall_ms)});
    verdicts.push_back({b.name, fmt::format("{}", b.strict), fmt::format("{}", b.basic_only), alarm(b.failed, style),
                        fmt::format("{}", b.untested)});
  }
  if (cases.size() == 1) return "";
  return fmt::format("{}\n{}\n{}\n{}\n",
                     style.bold(fmt::format("Official cases ({}, {} cases, {})", out.suite, out.cases,
                                            out.suite_digest.substr(0, 12))),
                     api::table(cases, style), style.bold("Operator verdicts (operator x dtype x opset)"),
                     api::table(verdicts, style));
}

}  // namespace

std::string text(const ConformOut& out, const api::Style& style) {
  std::string s = operator_tables(out, style);
  if (!out.products.empty()) {
    std::vector<std::vector<std::string>> rows{
        {"product", "of", "backend", "verdict", "quality", "agreement", "worst witness, repair or reason"}};
    for (const ProductOutcome& p : out.products) {
      std::string remark = p.worst;
      if (!p.lift.empty()) remark = fmt::format("after {}{}{}", p.lift, remark.empty() ? "" : "; ", remark);
      if (!p.blocking.empty()) {
        remark += "; blocking operators:";
        for (const auto& op : p.blocking) remark += " " + op;
      }
      const bool ran = p.quality_milli > 0 || p.agreement_milli > 0;
      rows.push_back({p.product, p.member, p.backend + (p.incumbent ? " (incumbent)" : ""), paint(p.verdict, style),
                      ran ? percent(p.quality_milli) : "-", ran ? percent(p.agreement_milli) : "-", remark});
    }
    s += fmt::format("{}\n{}\n", style.bold("Products (model and golden set)"), api::table(rows, style));
  }
  for (const BackendOutcome& b : out.backends)
    if (!b.present) s += fmt::format("{} {}: {}\n", style.dim("absent"), b.name, b.why);
  for (const std::string& note : out.notes) s += fmt::format("{} {}\n", style.dim("note"), note);
  s += fmt::format("{} statements appended\n", out.statements);
  if (out.incumbent_failed) s += style.red("A product FAILED on the backend it runs on.") + "\n";
  return s;
}

}  // namespace hz::standards
