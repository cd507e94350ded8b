// What was tried, beside what is planned.
#include <algorithm>

#include "drill/report_parts.h"

namespace hz::drill {
namespace {

std::string seconds(std::int64_t ms) { return ms < 0 ? "-" : fmt::format("{}.{:02} s", ms / 1000, ms % 1000 / 10); }
std::string after(std::int64_t ms, std::int64_t since_ms) { return ms < 0 ? "-" : seconds(ms - since_ms); }

std::string percent(std::int64_t milli) { return fmt::format("{}.{} %", milli / 10, milli % 10); }

std::string stage_chip(Stage stage) {
  const std::string_view word = enum_text(stage);
  if (stage == Stage::failed_back || stage == Stage::holds) return chip("green", "●", word);
  if (is_over_there(stage)) return chip("blue", "◆", word);
  if (stage == Stage::refused || stage == Stage::rolled_back || stage == Stage::unsaved || stage == Stage::broken)
    return chip("red", "✖", word);
  return chip("amber", "▲", word);
}

std::string answers_html(const Answers& a) {
  if (a.cases == 0) return "<span class='soft'>not asked</span>";
  return fmt::format(
      "{}, quality {} of {}{}<br><span class='small soft'>first class {}, first five {}, logits {}</span>",
      e(a.verdict), percent(a.quality_milli), a.cases, a.noise_milli > 0 ? " ± " + percent(a.noise_milli) : "",
      percent(a.agreement_milli), percent(a.top5_milli), e(a.logits));
}

// Real requests that were executed again on the incumbent.
std::string watched_html(const DrillWatched& w) {
  std::string out = fmt::format("<br><span class='small soft'>while it served: of {} requests {} executed again",
                                w.requests, w.compared);
  if (w.compared > 0)
    out += fmt::format(" on the incumbent, {} agree, {} do not, logits within tolerance on {}", w.agreed, w.disagreed,
                       w.within);
  if (w.incomparable > 0) out += fmt::format("; {} that no rule compares", w.incomparable);
  out += fmt::format("; {} rounds of known answers, {} fell short</span>", w.canaries, w.canaries_short);
  if (!w.wrong.empty()) out += "<br><b>went back</b> <span class='small'>" + e(w.wrong) + "</span>";
  return out;
}

// The recovery time on the scale of what is tolerated. Most recoveries are a thousandth of it, so the scale is
// logarithmic, from a tenth of a second.
std::string recovery_bar(std::int64_t recover_ms, std::int64_t outage_max_ms) {
  const auto x = [&](std::int64_t ms) {
    double position = 0;
    for (double at = 100; at < static_cast<double>(ms) && position < 230; at *= 1.26) position += 6;
    return static_cast<int>(position);
  };
  const int done = std::max(x(recover_ms), 4), limit = std::max(x(outage_max_ms), 4);
  return fmt::format(
      "<svg class='bar' viewBox='0 0 250 44' width='250' height='44' role='img' aria-label='recovered in {}, tolerated "
      "{}'><rect class='track' x='0' y='6' width='242' height='12' rx='6'/><rect class='span{}' x='0' y='6' width='{}' "
      "height='12' rx='3'/><path class='limit' d='M{} 1V23'/><text x='{}' y='39' text-anchor='{}'>tolerated "
      "{}</text></svg>",
      seconds(recover_ms), e(seconds_text(outage_max_ms / 1000)), recover_ms > outage_max_ms ? " over" : "", done,
      limit, limit > 150 ? limit + 4 : std::max(limit, 0),
      limit > 150  ? "end"
      : limit < 60 ? "start"
                   : "middle",
      e(seconds_text(outage_max_ms / 1000)));
}

std::string product_rows(const ExitPlan& plan, Evidence& evidence) {
  Table t({"Product", "Served by", "Lost → serving", "Back after", "Answers"}, {3});
  for (const ExitProduct& p : plan.products) {
    const bool kept = p.outcome == "kept";
    std::string served = e(p.incumbent);
    if (!p.substitute.empty())
      served += fmt::format(" → <b>{}</b><br><span class='small soft'>{} · evidence {}</span>", e(p.substitute),
                            e(p.site), p.evidence.empty() ? "none" : id(short_id(p.evidence)));
    std::string answers = answers_html(p.proof.cases > 0 ? p.proof : p.answers);
    if (p.proof.cases > 0 && p.answers != p.proof)
      answers += fmt::format("<br><span class='small soft'>last sample {} of {} ± {}</span>",
                             percent(p.answers.quality_milli), p.answers.cases, percent(p.answers.noise_milli));
    if (p.beside.cases > 0)
      answers += fmt::format("<br><span class='small soft'>incumbent {}: quality {} of {}</span>",
                             p.beside.noise_milli > 0 ? "on the same cases" : "on the way back",
                             percent(p.beside.quality_milli), p.beside.cases);
    if (p.watched) answers += watched_html(*p.watched);
    if (!kept && p.quality_before_milli > 0)
      answers += fmt::format("<br><span class='small soft'>before {}, {} may be lost</span>",
                             percent(p.quality_before_milli), percent(p.quality_drop_max_milli));
    const std::string in_time = p.within ? chip("green", "●", "in time") : chip("red", "✖", "not in time");
    t.row({fmt::format("<b>{}</b><br>{}<br>{}", e(p.name), id(p.product), stage_chip(p.stage)), served,
           p.recover_ms < 0 ? (kept ? "<span class='soft'>not touched</span>" : "did not recover<br>" + in_time)
                            : fmt::format("<div class='row'><b>{}</b>{}</div>{}", seconds(p.recover_ms), in_time,
                                          recovery_bar(p.recover_ms, p.outage_max_ms)),
           after(p.back_ms, p.lost_ms), "<div class='wide'>" + answers + "</div>"});
    evidence.add(p.route_before, "route of " + p.product + " before the drill");
    evidence.add(p.route, "last route of " + p.product + " in the drill");
  }
  return "<div class='card'>" + t.end() + "</div>\n";
}

std::string taken_away(const ExitPlan& plan) {
  std::string refused;
  for (const ExitProduct& p : plan.products)
    for (const std::string& one : p.refused) refused += fmt::format("<li><b>{}</b> {}</li>", e(p.product), e(one));
  if (!plan.block && refused.empty()) return "";
  std::string out =
      "<h3>Taken away for real</h3>\n<p class='soft'>On this host and from servers of this drill only.</p>";
  if (plan.block) {
    Table t({"Library", "Why", "Build id", "Files of this host"});
    for (const BlockedLibrary& one : plan.block->libraries) {
      std::string files;
      for (const std::string& file : one.files) files += (files.empty() ? "" : "<br>") + id(file);
      t.row({id(one.node), e(one.because), one.build_id.empty() ? "-" : id(one.build_id.substr(0, 16)),
             files.empty() ? "<span class='soft'>none here</span>" : files});
    }
    out += "<div class='card'>" + t.end() + "</div>\n";
    if (!plan.block->hosts.empty())
      out += "<p>Hosts that could not be reached: " + e(joined(plan.block->hosts, ", ")) + ".</p>\n";
    if (!plan.block->not_blocked.empty())
      out += "<p class='soft small'>Lost too, and nothing that can be denied to a process: " +
             e(joined(plan.block->not_blocked, ", ")) + ".</p>\n";
  }
  out += refused.empty() ? "<p>No server ran into any of it.</p>\n"
                         : "<p>Who ran into it:</p><ul class='small'>" + refused + "</ul>\n";
  return out;
}

std::string day(const std::string& due) { return "<span class='day'>" + e(due) + "</span>"; }

std::string duties(const ExitPlan& plan, Evidence& evidence) {
  std::string out;
  if (!plan.items.empty()) {
    Table t({"Item", "Waiting products", "Owner", "Due", "Closed by", "State"});
    for (const KnownItem& item : plan.items) {
      t.row({fmt::format("<b>{}</b><br><span class='small soft'>{} · {}</span>", e(item.said.subject),
                         enum_text(item.said.sort), id(short_id(item.id))),
             e(joined(item.said.products, ", ")), e(item.said.owner), day(item.said.due), e(item.said.closes),
             item.closed
                 ? chip("green", "●", "closed") + "<br><span class='small soft'>" + e(item.closed->because) + "</span>"
                 : chip("amber", "▲", "open")});
      evidence.add(item.id, fmt::format("{} item: {}", enum_text(item.said.sort), item.said.subject));
    }
    out += "<h3>Research and training</h3>\n<div class='card'>" + t.end() + "</div>\n";
  }
  if (!plan.duties.empty()) {
    Table t({"Who", "Must", "Until"});
    for (const ExitDuty& duty : plan.duties)
      t.row({e(duty.who), e(duty.what), duty.until.empty() ? "-" : day(duty.until)});
    out += "<h3>Who must do what</h3>\n<div class='card'>" + t.end() + "</div>\n";
  }
  return out;
}

std::string heading(std::string_view title, std::string_view lead) {
  return fmt::format("<h2>{}</h2>\n<p class='soft'>{}</p>\n", title, lead);
}

}  // namespace

std::string live_html(const std::vector<KnownDrill>& drills, const Plan& plan, Evidence& evidence) {
  std::string out = heading(
      "Rehearsed live",
      "Traffic was moved to the substitutes and back. A substitute passed the product's whole golden set on the server "
      "that served before a request went there; times are those its member claims.");
  for (const KnownDrill& one : drills) {
    evidence.add(one.id, "live drill");
    out += fmt::format("<h3>Drill {} <span class='soft small'>{}</span></h3>\n", id(one.id.substr(0, 12)),
                       e(utc_text(one.opened_ms)));
    Table t({"product", "stands at", "substitute", "site", "answers looked at last", "serving after", "may be out for",
             "back after"},
            {5, 6, 7});
    for (const ProductState& p : one.products) {
      const auto planned =
          std::ranges::find(plan.products, p.product.substr(p.product.find(':') + 1), &ProductPlan::product);
      t.row({e(p.product), stage_chip(p.stage), e(p.backend), e(p.site),
             p.answers.cases > 0 ? answers_html(p.answers) : e(p.detail), after(p.switched_ms, p.lost_ms),
             planned == plan.products.end() ? "-" : fmt::format("{} s", planned->outage_max_s),
             after(p.back_ms, p.lost_ms)});
    }
    out += "<div class='card'>" + t.end() + "</div>\n";
  }
  return out;
}

std::string exit_html(const ExitPlan& plan, Evidence& evidence) {
  evidence.add(plan.drill, "the drill");
  std::string out = heading(
      plan.mode == Mode::live ? "Exit plan: what the drill showed" : "Exit plan: what was said on the table",
      fmt::format(
          "Drill {} of {}, {}. {} saved, {} not saved. Model and route are said by signed statements, so what "
          "served before and after is the same version; no state lies in a server. Bars of time are logarithmic.",
          id(plan.drill.substr(0, 12)), e(utc_text(plan.opened_ms)), enum_text(plan.mode), plan.saved, plan.not_saved));
  return out + product_rows(plan, evidence) + taken_away(plan) + duties(plan, evidence);
}

}  // namespace hz::drill
