#include "drill/report.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/seams.h"
#include "drill/cone.h"
#include "drill/report_parts.h"
#include "drill/report_style.h"
#include "drill/text.h"

namespace hz::drill {
namespace {

// "3.00–5.00" without the unit.
std::string yuan_range(std::int64_t fen_min, std::int64_t fen_max) {
  std::string out = price_range(fen_min, fen_max);
  return out.substr(0, out.rfind(' '));
}

class Report {
 public:
  Report(const Rehearsal& drill, const ReportInput& in) : drill_(drill), in_(in) {
    for (const ProductPlan& p : in.plan.products) plans_[p.product] = &p;
    count_unknown();
  }

  std::string html() {
    s_ = "<!doctype html>\n<html lang='en'>\n<head>\n<meta charset='utf-8'>\n"
         "<meta name='viewport' content='width=device-width,initial-scale=1'>\n"
         "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
         "<meta name='generator' content='hezong drill report'>\n<title>If we lose " +
         e(joined(in_.impact.targets, ", ")) + "</title>\n<style>" + std::string(report_style) +
         "</style>\n</head>\n<body>\n<main>\n";
    head();
    products();
    cone();
    plan();
    live();
    undone();
    losses();
    gone();
    unknown();
    evidence();
    verify();
    taken_for_granted();
    return s_ + "</main>\n</body>\n</html>\n";
  }

 private:
  void section(std::string_view title, std::string_view lead) {
    s_ += fmt::format("<h2>{}</h2>\n", title);
    if (!lead.empty()) s_ += fmt::format("<p class='soft'>{}</p>\n", lead);
  }
  const ProductPlan& plan_of(const std::string& product) const { return *plans_.at(product); }

  void count_unknown() {
    const Stack& stack = drill_.stack();
    std::set<NodeId> below;
    for (const Product& p : drill_.world().products)
      for (const NodeId n : cone_of(stack.graph(), *stack.find("product:" + p.id))) below.insert(n);
    for (const NodeId n : below) {
      const std::string_view text = stack.id(n);
      components_ += !text.starts_with("product:") && !text.starts_with("gate:") && !text.starts_with("skill:");
    }
    for (const Unknown& u : drill_.world().unknowns) {
      const auto n = stack.find(u.node);
      if (!n || !below.contains(*n)) continue;
      unknown_.push_back(&u);
      if (u.what == "entity") unknown_ids_.insert(u.node);
    }
  }

  void tile(std::string_view colour, const std::string& figure, const std::string& words) {
    s_ += fmt::format("<div class='tile {}'><b>{}</b><span>{}</span></div>\n", colour, figure, words);
  }

  void head() {
    const auto& [impact, plan, frontier, member, now_ms, unused_live, unused_exit] = in_;
    s_ += fmt::format("<p class='kicker'>Continuity drill</p>\n<h1>If we lose {}</h1>\n",
                      e(joined(impact.targets, ", ")));
    std::string lead;
    const auto all = static_cast<std::int64_t>(impact.products.size());
    if (impact.stopped == 0)
      lead = fmt::format("None of {} stops{}.", plural(all, "product", "products"),
                         impact.degraded > 0 ? fmt::format("; {} lose redundancy", impact.degraded) : "");
    else {
      lead = fmt::format("{} of {} {}. ", impact.stopped, plural(all, "product", "products"),
                         impact.stopped == 1 ? "stops" : "stop");
      if (plan.substituted > 0)
        lead += fmt::format("{} {} a proven substitute within the tolerated outage. ", plan.substituted,
                            plan.substituted == 1 ? "has" : "have");
      if (plan.late > 0) lead += fmt::format("{} can be substituted, later than tolerated. ", plan.late);
      if (plan.unsaved > 0)
        lead += fmt::format("{} {} not covered by anything proven. ", plan.unsaved, plan.unsaved == 1 ? "is" : "are");
      if (plan.unscanned > 0)
        lead += fmt::format("{} of the substitutions {} on a backend whose own supply chain is not known here.",
                            plan.unscanned, plan.unscanned == 1 ? "rests" : "rest");
    }
    s_ += "<p class='lead'>" + lead + "</p>\n";
    s_ += fmt::format("<p class='soft small'>Computed {} by member {} on frontier {}.</p>\n", utc_text(now_ms),
                      id(shorten(member, 24)), id(short_id(frontier.digest)));
    s_ += "<div class='tiles'>\n";
    tile(impact.stopped > 0 ? "red" : "green", fmt::format("{} / {}", impact.stopped, all), "products stop");
    tile("blue", std::to_string(plan.substituted), "saved by a proven substitute");
    tile(plan.unsaved + plan.late > 0 ? "red" : "green", std::to_string(plan.unsaved + plan.late),
         plan.late > 0 ? "not saved in time" : "not saved");
    if (plan.substituted + plan.late > 0)
      tile("", yuan_range(plan.price_fen_per_hour_min, plan.price_fen_per_hour_max),
           "yuan an hour, all substitutions together");
    tile(unknown_ids_.empty() ? "green" : "amber",
         fmt::format("{:.0f} %", components_ == 0 ? 0.0
                                                  : 100.0 * static_cast<double>(unknown_ids_.size()) /
                                                        static_cast<double>(components_)),
         fmt::format("of {} components have no known entity", components_));
    s_ += "</div>\n";
  }

  void products() {
    section("Before and after", "Worst case: all components without a known entity are lost as well.");
    Table t({"Product", "Area", "Before", "After the loss", "With the plan", "Worst case", "Tolerated outage"});
    for (const ProductImpact& p : in_.impact.products) {
      const ProductPlan& plan = plan_of(p.product);
      std::string with = outcome_chip(plan.outcome);
      if (plan.choice)
        with += fmt::format("<br><span class='small soft'>{} on {}</span>", e(label(plan.choice->backend)),
                            e(label(plan.choice->site)));
      t.row({fmt::format("<b>{}</b><br>{}", e(p.name), id(p.product)), e(p.area), life_chip(p.before),
             life_chip(p.after), with, life_chip(p.worst_case), e(seconds_text(plan.outage_max_s))});
    }
    s_ += "<div class='card'>" + t.end() + "</div>\n";
  }

  static std::string legend_item(std::string_view css, std::string_view mark, std::string_view words) {
    return fmt::format(
        "<span><svg viewBox='0 0 34 20' aria-hidden='true'><g class='box {}'><rect x='1' y='1' width='32' "
        "height='18' rx='5'/><g transform='translate(17 10)'>{}</g></g></svg>{}</span>",
        css, mark, words);
  }

  void cone() {
    const Cone picture = affected_cone(drill_, in_.plan);
    if (picture.nodes.empty()) return;
    section("What the loss reaches",
            "From the cut on the left to the products on the right. A lost component is explained by "
            "the entity behind it; what it would need in turn is left out.");
    s_ += "<div class='card keep'><div class='legend'>";
    s_ += legend_item("cut", "<path class='mark' d='M-4-4L4 4M4-4L-4 4'/>", "cut, lost directly");
    s_ += legend_item("down", "<path class='mark' d='M-4-4L4 4M4-4L-4 4'/>", "stops because of it");
    s_ += legend_item("weak", "<path class='mark' d='M0-5L5 4H-5Z'/>", "degraded");
    s_ += legend_item("sub", "<path class='mark' d='M0-6L6 0L0 6L-6 0Z'/>", "proven substitute");
    s_ += "</div><div class='scroll'>" + draw(picture) + "</div>";
    std::string more;
    if (picture.clustered > 0) more += fmt::format("{} components share boxes. ", picture.clustered);
    if (picture.hidden > 0)
      more += fmt::format(
          "{} behind the cut {} not drawn.",
          plural(static_cast<std::int64_t>(picture.hidden), "more stopped component", "more stopped components"),
          picture.hidden == 1 ? "is" : "are");
    if (!more.empty()) s_ += "<p class='soft small'>" + more + "</p>";
    s_ += "</div>\n";

    Table t({"Product", "Because", "Evidence", "Statement"});
    for (const ProductImpact& p : in_.impact.products) {
      bool first = true;
      std::string before = "product:" + p.product;
      for (const Step& step : p.chain) {
        if (step.link.empty() && step.type == "product") continue;
        const std::string where = step.field.empty()  ? step.file
                                  : step.file.empty() ? step.field
                                                      : step.file + " · " + step.field;
        std::string source = "<span class='src'>" + e(where) + "</span>";
        if (!step.digest.empty())
          source += "<br><span class='small soft'>sha256 " + id(short_id(step.digest)) + "</span>";
        t.row({first ? fmt::format("<b>{}</b><br>{}", e(p.name), life_chip(p.after)) : "",
               (step.link.empty() ? "" : "<span class='soft'>" + e(step.link) + "</span> ") + id(step.node), source,
               step.statement.empty() ? "" : id(short_id(step.statement))});
        first = false;
        evidence_.add(step.statement, before + " " + (step.link.empty() ? "falls with" : step.link) + " " + step.node);
        before = step.node;
      }
    }
    s_ += "<h3 style='margin-top:22px'>The same in words: one shortest chain per product</h3>\n<div class='card'>" +
          t.end() + "</div>\n";
  }

  // Switch time as a range against the tolerated outage.
  static std::string switch_bar(const Option& o, std::int64_t outage_max_s) {
    const double limit = static_cast<double>(outage_max_s) / 60.0;
    const double scale = 260.0 / std::max({limit * 1.25, static_cast<double>(o.switch_minutes_max) * 1.1, 1.0});
    const auto x = [&](double minutes) { return static_cast<int>(minutes * scale + 0.5); };
    const auto low = static_cast<double>(o.switch_minutes_min), high = static_cast<double>(o.switch_minutes_max);
    std::string out = fmt::format(
        "<svg class='bar' viewBox='0 0 270 44' width='270' height='44' role='img' aria-label='switch {}, tolerated {}'>"
        "<rect class='track' x='0' y='6' width='262' height='12' rx='6'/>",
        e(minutes_range(o.switch_minutes_min, o.switch_minutes_max)), e(seconds_text(outage_max_s)));
    const double inside = std::min(high, limit);
    if (low < limit || low == high)
      out += fmt::format("<rect class='span{}' x='{}' y='6' width='{}' height='12' rx='3'/>",
                         low > limit ? " over" : "", x(low), std::max(x(inside) - x(low), 4));
    if (high > limit)
      out += fmt::format("<rect class='span over' x='{}' y='6' width='{}' height='12' rx='3'/>",
                         x(std::max(low, limit)), std::max(x(high) - x(std::max(low, limit)), 4));
    const int at = x(limit);
    out +=
        fmt::format("<path class='limit' d='M{} 1V23'/><text x='{}' y='39' text-anchor='{}'>tolerated {}</text></svg>",
                    at, at > 180 ? at + 4 : std::max(at, 0),
                    at > 180  ? "end"
                    : at < 60 ? "start"
                              : "middle",
                    e(seconds_text(outage_max_s)));
    return out;
  }

  void plan() {
    bool any = false;
    for (const ProductPlan& p : in_.plan.products) any = any || p.outcome != Outcome::kept;
    if (!any) return;
    section("Plan",
            "Per product the cheapest substitution that is proven on that very model, on a site that survives the same "
            "loss. Each was checked by running the loss again with the substitution in place.");
    for (const ProductPlan& p : in_.plan.products) {
      if (p.outcome == Outcome::kept) continue;
      s_ += fmt::format(
          "<div class='card keep'><div class='row'><h3>{} <span class='soft small'>{} → {}</span></h3>{}</div>\n",
          e(p.name), e(p.incumbent), p.choice ? e(p.choice->backend) : "nothing proven", outcome_chip(p.outcome));
      if (!p.gap.empty()) s_ += "<p class='gap'>" + e(p.gap) + "</p>\n";
      s_ += "<div class='plan'><dl>";
      const auto item = [&](std::string_view name, const std::string& value) {
        s_ += fmt::format("<dt>{}</dt><dd>{}</dd>\n", name, value);
      };
      if (p.choice) {
        const Option& o = *p.choice;
        item("Substitute", fmt::format("<b>{}</b> on <b>{}</b>{}{}", e(o.backend), e(label(o.site)),
                                       o.site_name.empty() ? "" : " (" + e(o.site_name) + ")",
                                       o.site_member.empty() ? "" : ", offered by " + e(o.site_member)));
        item("Proof", fmt::format("{}, quality {}{}{}{} · {}", e(o.verdict), percent_milli(o.quality_milli),
                                  o.drop_milli > 0 ? ", " + percent_milli(o.drop_milli) + " below the incumbent" : "",
                                  o.lift.empty() ? "" : ", " + e(o.lift),
                                  o.evidence_member.empty() ? "" : ", tested by " + e(o.evidence_member),
                                  id(short_id(o.evidence))));
        item("Cost", e(price_range(o.price_fen_per_hour_min, o.price_fen_per_hour_max)));
        item("Switch",
             e(minutes_range(o.switch_minutes_min, o.switch_minutes_max)) + ", " + std::string(enum_text(o.timing)));
        evidence_.add(o.evidence, fmt::format("{} on {}: {}", o.backend, p.product, o.verdict));
        evidence_.add(o.site_statement, "offer of " + o.site);
      }
      if (p.second)
        item("Second best",
             fmt::format("{} on {}, {}, {}", e(p.second->backend), e(label(p.second->site)),
                         e(price_range(p.second->price_fen_per_hour_min, p.second->price_fen_per_hour_max)),
                         e(minutes_range(p.second->switch_minutes_min, p.second->switch_minutes_max))));
      item("What would change it", e(p.change));
      if (!p.release_statement.empty()) {
        item("Model bytes", fmt::format("shared among members under {} · {}", e(p.release_licence),
                                        id(short_id(p.release_statement))));
        evidence_.add(p.release_statement, "release of the model of " + p.product);
      }
      if (p.choice && p.choice->unknown_components > 0)
        item("Caution",
             plural(p.choice->unknown_components, "component", "components") + " below it without a known entity");
      s_ += "</dl><div>";
      if (p.choice) s_ += switch_bar(*p.choice, p.outage_max_s);
      std::string rejected;
      for (const Rejection& r : p.rejected) {
        rejected += fmt::format("<li>{}: {}{}</li>", id(r.backend), e(r.why),
                                r.statement.empty() ? "" : " · " + id(short_id(r.statement)));
        evidence_.add(r.statement, "result of " + r.backend + " on " + p.product);
      }
      if (!rejected.empty())
        s_ += "<p class='soft small' style='margin-top:8px'>Looked at and not used</p><ul class='small'>" + rejected +
              "</ul>";
      s_ += "</div></div></div>\n";
    }
  }

  void live() {
    if (!in_.live.empty()) s_ += live_html(in_.live, in_.plan, evidence_);
    if (in_.exit) s_ += exit_html(*in_.exit, evidence_);
  }

  void undone() {
    if (in_.plan.rd.empty() && in_.plan.training.empty()) return;
    section("What stays undone",
            "Operators to port, most waited-for first, and the skills the plan needs. Hours are declared by members.");
    if (!in_.plan.rd.empty()) {
      Table t({"To port", "On", "Status", "Waiting products", "Hours", "Witness"}, {4});
      for (const RdItem& i : in_.plan.rd) {
        t.row({"<b>" + e(i.op) + "</b>", id(i.backend),
               i.status == "FAILED" ? chip("red", "✖", "failed") : chip("amber", "▲", "untested"),
               fmt::format("{} · {}", i.products.size(), e(joined(i.products, ", "))),
               i.hours_known ? fmt::format("{}–{}", i.hours_min, i.hours_max) : "unknown", e(i.detail)});
        evidence_.add(i.statement, i.op + " on " + i.backend + ": " + i.status);
      }
      s_ += "<div class='card'>" + t.end() + "</div>\n";
    }
    if (!in_.plan.training.empty()) {
      Table t({"Skill", "People", "Needed to"}, {1});
      for (const TrainingItem& i : in_.plan.training) {
        t.row({"<b>" + e(i.skill.starts_with("skill:") ? i.skill.substr(6) : i.skill) + "</b>",
               fmt::format("{} or more", i.people_min), e(i.reason)});
        evidence_.add(i.statement, "skill " + i.skill + " for " + i.component);
      }
      s_ += "<div class='card'>" + t.end() + "</div>\n";
    }
  }

  static std::string sets_html(const LossSets& sets) {
    if (sets.complete == "not computed") return "<span class='soft'>not computed</span>";
    if (sets.smallest.empty()) return "<span class='soft'>none</span>";
    std::string out;
    for (const LossSet& set : sets.smallest) out += (out.empty() ? "" : "<br>") + e(set_line(set));
    if (sets.total > std::ssize(sets.smallest))
      out += fmt::format("<br><span class='soft'>… {} in all</span>", sets.total);
    if (sets.complete != "all") out += fmt::format("<br><span class='soft small'>{}</span>", e(sets.complete));
    return out;
  }

  void losses() {
    section("Smallest losses that stop a product",
            "Each line is a set of entities that together stop the product, whatever this drill assumed; one entity "
            "alone is a "
            "single point of failure. The last column holds once the plan stands by.");
    Table t({"Product", "Today", "Alone enough", "With the plan"}, {2});
    for (const ProductImpact& p : in_.impact.products) {
      const ProductPlan& plan = plan_of(p.product);
      t.row({"<b>" + e(p.name) + "</b>", sets_html(p.losses), std::to_string(p.losses.single),
             plan.choice ? sets_html(plan.losses_after) : "<span class='soft'>as today</span>"});
    }
    s_ += "<div class='card'>" + t.end() + "</div>\n";
  }

  void gone() {
    section("What is gone",
            fmt::format("{} lost directly.", plural(in_.impact.lost_components, "component", "components")));
    Table t({"Entity", "Jurisdiction", "Why", "Components", "Statement"}, {3});
    for (const LostEntityRow& r : in_.impact.lost_entities) {
      t.row({fmt::format("<b>{}</b><br>{}", e(r.name.empty() ? label(r.entity) : r.name), id(r.entity)),
             e(r.jurisdiction), e(r.because), std::to_string(r.components),
             r.statement.empty() ? "" : id(short_id(r.statement))});
      evidence_.add(r.statement, r.entity + ": " + r.because);
    }
    if (in_.impact.lost_entities.empty()) {
      Table direct({"Component", "Why"});
      for (const LostNode& n : drill_.loss().nodes) direct.row({id(drill_.stack().id(n.node)), e(n.because)});
      s_ += "<div class='card'>" + direct.end() + "</div>\n";
      return;
    }
    s_ += "<div class='card'>" + t.end() + "</div>\n";
  }

  void unknown() {
    section("What nobody knows", unknown_.empty()
                                     ? "Every component below the products has a known entity."
                                     : fmt::format("{} open {} about components below the products. Unknown is a "
                                                   "result: nothing was filled with a guess.",
                                                   unknown_.size(), unknown_.size() == 1 ? "question" : "questions"));
    if (unknown_.empty()) return;
    Table t({"Component", "What", "Why"});
    std::size_t shown = 0;
    for (const Unknown* u : unknown_) {
      if (++shown > 40) break;
      t.row({id(u->node), e(u->what), e(u->why)});
    }
    s_ += "<div class='card'>" + t.end();
    if (unknown_.size() > 40)
      s_ += fmt::format("<p class='soft small'>… and {} more: <code>hezong drill what-if --json</code></p>",
                        unknown_.size() - 40);
    s_ += "</div>\n";
  }

  void evidence() {
    section("Evidence",
            "Every claim above rests on a signed statement. Show one with <code>hezong log cat ID</code>, or export it "
            "for others.");
    Table t({"Statement", "Says"});
    for (const auto& [statement, says] : evidence_.rows()) t.row({id(statement), e(says)});
    s_ += "<div class='card'>" + t.end() + "</div>\n";
    Table logs({"Log", "Statements", "Root"}, {1});
    for (const auto& entry : in_.frontier.logs) logs.row({e(entry.origin), std::to_string(entry.size), id(entry.root)});
    s_ += "<p class='soft'>Log heads (frontier " + id(in_.frontier.digest) + ")</p><div class='card'>" + logs.end() +
          "</div>\n";
  }

  void verify() {
    section("Check it yourself", "");
    const std::string sample = evidence_.rows().empty() ? "STATEMENT" : evidence_.rows().front().first;
    const auto line = [](std::string_view says, const std::string& command) {
      return fmt::format("<span class='soft'># {}</span>\n{}\n", says, e(command));
    };
    s_ += "<pre>" + line("the whole log, from the bytes up", "hezong log verify") +
          line("one statement with its proof, as a file", "hezong proof export " + sample + " --out FILE") +
          line("anywhere, offline, without this member", "hezong audit verify FILE") +
          line("the same answer again", "hezong drill what-if --lose " + joined(in_.impact.targets, " --lose ")) +
          "</pre>\n";
  }

  void taken_for_granted() {
    section("Taken for granted", "");
    s_ += "<ul>";
    std::set<std::string> said;
    for (const auto* list : {&in_.impact.assumptions, &in_.plan.assumptions})
      for (const std::string& line : *list)
        if (said.insert(line).second) s_ += "<li>" + e(line) + "</li>\n";
    s_ += "</ul>\n";
    if (in_.impact.findings.empty() && in_.impact.notes.empty()) return;
    section("Findings in the facts", "");
    s_ += "<ul>";
    for (const Finding& f : in_.impact.findings) s_ += "<li>" + id(f.reason) + " " + e(f.detail) + "</li>\n";
    for (const std::string& note : in_.impact.notes) s_ += "<li>" + e(note) + "</li>\n";
    s_ += "</ul>\n";
  }

  const Rehearsal& drill_;
  const ReportInput& in_;
  std::map<std::string, const ProductPlan*> plans_;
  std::vector<const Unknown*> unknown_;
  std::set<std::string> unknown_ids_;
  std::size_t components_ = 0;
  Evidence evidence_;
  std::string s_;
};

}  // namespace

std::string report_html(const Rehearsal& drill, const ReportInput& input) { return Report(drill, input).html(); }

}  // namespace hz::drill
