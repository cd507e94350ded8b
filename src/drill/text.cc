#include "drill/text.h"

#include <algorithm>

#include "drill/ops.h"

namespace hz::drill {
namespace {

std::string range(std::string low, std::string high, std::string_view unit) {
  return (low == high ? low : low + "–" + high) + std::string(unit);
}

// Status is a word and a mark, never a colour alone.
std::string status(std::string_view word, const api::Style& style) {
  if (word == "stopped") return style.red("✖ stopped");
  if (word == "degraded") return style.yellow("▲ degraded");
  return style.green("● running");
}

std::string outcome_mark(Outcome outcome, const api::Style& style) {
  switch (outcome) {
    case Outcome::kept:
      return style.green("● kept");
    case Outcome::substituted:
      return style.blue("◆ substituted");
    case Outcome::late:
      return style.yellow("▲ late");
    case Outcome::unsaved:
      return style.red("✖ unsaved");
  }
  return "?";
}

std::string evidence_text(const Step& step) {
  std::string out = step.file;
  if (!step.field.empty()) out += (out.empty() ? "" : " · ") + step.field;
  if (!step.statement.empty()) out += (out.empty() ? "" : " · ") + ("statement " + short_id(step.statement));
  return out;
}

std::string joined(const std::vector<std::string>& parts, std::string_view between) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : std::string(between)) + part;
  return out;
}

void add_assumptions(std::string& out, const std::vector<std::string>& assumptions, const std::string& frontier,
                     const api::Style& style) {
  out += "\n" + style.dim("Assumptions") + "\n";
  for (const std::string& line : assumptions) out += style.dim("  · " + line) + "\n";
  out += style.dim("Frontier " + short_id(frontier) + "  (check: hezong log verify)") + "\n";
}

}  // namespace

std::string short_id(std::string_view statement) { return std::string(statement.substr(0, 12)); }

std::string price_range(std::int64_t fen_min, std::int64_t fen_max) {
  const auto yuan = [](std::int64_t fen) { return fmt::format("{}.{:02}", fen / 100, fen % 100); };
  return range(yuan(fen_min), yuan(fen_max), " yuan/h");
}

std::string minutes_range(std::int64_t min, std::int64_t max) {
  if (min >= 120 && min % 60 == 0 && max % 60 == 0)
    return range(std::to_string(min / 60), std::to_string(max / 60), " h");
  return range(std::to_string(min), std::to_string(max), " min");
}

std::string seconds_text(std::int64_t s) {
  if (s >= 2 * 86400 && s % 86400 == 0) return fmt::format("{} d", s / 86400);
  if (s >= 2 * 3600 && s % 3600 == 0) return fmt::format("{} h", s / 3600);
  if (s >= 120 && s % 60 == 0) return fmt::format("{} min", s / 60);
  return fmt::format("{} s", s);
}

std::string percent_milli(std::int64_t milli) { return fmt::format("{}.{} %", milli / 10, milli % 10); }

std::string label(std::string_view id) {
  for (const std::string_view prefix : {"product:", "entity:"})
    if (id.starts_with(prefix)) return std::string(id.substr(prefix.size()));
  if (id.starts_with("model:") && id.size() > 18) return std::string(id.substr(0, 18)) + "…";
  return std::string(id);
}

std::string chain_line(const std::vector<Step>& chain) {
  std::string out;
  for (const Step& step : chain) {
    if (step.type == "gate" || step.type == "product") continue;
    out += (out.empty() ? "" : " ← ") + label(step.node);
  }
  return out;
}

std::string set_line(const LossSet& set) {
  std::string out;
  for (const std::string& entity : set.entities) out += (out.empty() ? "" : " + ") + label(entity);
  return out.empty() ? "nothing (it is stopped already)" : out;
}

std::string text(const Impact& out, const api::Style& style) {
  std::string s = style.bold("If we lose " + joined(out.targets, ", ")) + "\n";
  s += fmt::format("  {} entit{}, {} component{} gone", out.lost_entities.size(),
                   out.lost_entities.size() == 1 ? "y" : "ies", out.lost_components,
                   out.lost_components == 1 ? "" : "s");
  std::size_t shown = 0;
  for (const LostEntityRow& e : out.lost_entities) {
    if (++shown > 6) {
      s += fmt::format("\n  … and {} more entities", out.lost_entities.size() - 6);
      break;
    }
    s += fmt::format("\n  {} {}", style.red("✖"), label(e.entity));
    if (!e.name.empty()) s += " (" + e.name + ", " + e.jurisdiction + ")";
    s += style.dim("  " + e.because);
  }
  s += "\n\n";

  std::vector<std::vector<std::string>> table{{"PRODUCT", "AREA", "NOW", "AFTER", "WORST CASE", "UNKNOWN", "WHY"}};
  for (const ProductImpact& p : out.products)
    table.push_back({p.product, p.area, status(p.before, style), status(p.after, style), status(p.worst_case, style),
                     fmt::format("{}/{}", p.unknown_components, p.components), chain_line(p.chain)});
  s += api::table(table, style);
  s += "\n" + style.dim("UNKNOWN: components whose supplier nobody named. WORST CASE: all of these are lost too.") +
       "\n";

  for (const ProductImpact& p : out.products) {
    if (p.chain.empty()) continue;
    s += "\n" + style.bold(fmt::format("Why {} is {}", p.product, p.after)) + "\n";
    std::vector<std::vector<std::string>> steps{{"", "", "EVIDENCE"}};
    for (const Step& step : p.chain)
      steps.push_back({"  " + (step.link.empty() ? std::string() : step.link), label(step.node), evidence_text(step)});
    s += api::table(steps, style);
  }

  s += "\n" + style.bold("Smallest losses that stop a product") + "\n";
  std::vector<std::vector<std::string>> sets{{"PRODUCT", "SETS", "SMALLEST"}};
  for (const ProductImpact& p : out.products) {
    std::vector<std::string> lines;
    for (const LossSet& set : p.losses.smallest) lines.push_back(set_line(set));
    if (p.losses.total > std::ssize(p.losses.smallest)) lines.push_back("…");
    sets.push_back({p.product, fmt::format("{} ({})", p.losses.total, p.losses.complete), joined(lines, "  ·  ")});
  }
  s += api::table(sets, style);

  for (const Finding& f : out.findings) s += "\n" + style.yellow("finding ") + f.reason + ": " + f.detail;
  for (const std::string& note : out.notes) s += "\n" + style.yellow("note ") + note;
  if (!out.findings.empty() || !out.notes.empty()) s += "\n";
  s += fmt::format("\n{} running, {} degraded, {} stopped.", out.running, out.degraded, out.stopped);
  if (out.stopped > 0) s += "  Next: hezong drill plan --lose " + joined(out.targets, " --lose ");
  s += "\n";
  add_assumptions(s, out.assumptions, out.frontier, style);
  return s;
}

std::string text(const Plan& out, const api::Style& style) {
  std::string s = style.bold("Continuity plan if we lose " + joined(out.targets, ", ")) + "\n\n";
  std::vector<std::vector<std::string>> table{
      {"PRODUCT", "PLAN", "BACKEND", "SITE", "COST", "SWITCH", "TOLERATED", "PROOF", "PROVEN BY"}};
  for (const ProductPlan& p : out.products) {
    if (!p.choice) {
      table.push_back({p.product, outcome_mark(p.outcome, style), p.outcome == Outcome::kept ? label(p.incumbent) : "–",
                       "", "", "", seconds_text(p.outage_max_s), "", ""});
      continue;
    }
    const Option& o = *p.choice;
    table.push_back({p.product, outcome_mark(p.outcome, style), o.backend, o.site,
                     price_range(o.price_fen_per_hour_min, o.price_fen_per_hour_max),
                     minutes_range(o.switch_minutes_min, o.switch_minutes_max), seconds_text(p.outage_max_s),
                     fmt::format("{} {} · {}", o.verdict, percent_milli(o.quality_milli), short_id(o.evidence)),
                     o.evidence_member});
  }
  s += api::table(table, style);

  for (const ProductPlan& p : out.products) {
    if (p.outcome == Outcome::kept) continue;
    s += "\n" + style.bold(p.product) + "\n";
    if (!p.gap.empty()) s += "  " + style.red(p.gap) + "\n";
    if (p.second)
      s += fmt::format("  second best  {} on {}, {}, {}\n", p.second->backend, p.second->site,
                       price_range(p.second->price_fen_per_hour_min, p.second->price_fen_per_hour_max),
                       minutes_range(p.second->switch_minutes_min, p.second->switch_minutes_max));
    s += "  what would change it  " + p.change + "\n";
    if (p.choice && p.choice->unknown_components > 0)
      s += fmt::format("  caution  {} component{} below {} without a known entity\n", p.choice->unknown_components,
                       p.choice->unknown_components == 1 ? "" : "s", p.choice->backend);
    if (p.choice && !p.release_statement.empty())
      s += fmt::format("  model bytes  shared among members under {}, {}\n", p.release_licence,
                       short_id(p.release_statement));
    if (p.choice)
      for (const Rejection& r : p.rejected) s += style.dim("  not " + r.backend + ": " + r.why) + "\n";
    if (p.choice && !p.losses_after.smallest.empty())
      s += "  smallest loss that then stops it  " + set_line(p.losses_after.smallest.front()) + "\n";
  }

  if (!out.rd.empty()) {
    s += "\n" + style.bold("To port, most waited-for first") + "\n";
    std::vector<std::vector<std::string>> items{{"OPERATOR", "BACKEND", "STATUS", "WAITING", "HOURS", "WITNESS"}};
    for (const RdItem& i : out.rd)
      items.push_back({i.op, i.backend, i.status, fmt::format("{} ({})", i.products.size(), joined(i.products, ", ")),
                       i.hours_known ? range(std::to_string(i.hours_min), std::to_string(i.hours_max), "") : "unknown",
                       i.detail});
    s += api::table(items, style);
  }
  if (!out.training.empty()) {
    s += "\n" + style.bold("Skills needed") + "\n";
    std::vector<std::vector<std::string>> items{{"SKILL", "PEOPLE", "FOR"}};
    for (const TrainingItem& i : out.training) items.push_back({i.skill, fmt::format("{}+", i.people_min), i.reason});
    s += api::table(items, style);
  }
  s += fmt::format("\n{} kept, {} substituted, {} late, {} unsaved.", out.kept, out.substituted, out.late, out.unsaved);
  if (out.substituted + out.late > 0)
    s += fmt::format("  All substitutions together: {}.",
                     price_range(out.price_fen_per_hour_min, out.price_fen_per_hour_max));
  s += "\n";
  if (out.unscanned > 0)
    s += style.yellow("caution ") +
         fmt::format("{} substitution{} on a backend whose own supply chain is not known here.\n", out.unscanned,
                     out.unscanned == 1 ? " rests" : "s rest");
  add_assumptions(s, out.assumptions, out.frontier, style);
  return s;
}

std::string text(const Recorded& out, const api::Style& style) {
  return fmt::format("{} plan as statement {} (entry {}){}: {} substituted, {} not covered in time\n",
                     style.green("recorded"), short_id(out.receipt.id), out.receipt.index,
                     out.receipt.repeated ? ", it was there already" : "", out.substituted, out.unsaved);
}

}  // namespace hz::drill
