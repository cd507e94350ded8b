// Pieces of HTML that the parts of the report share.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "base/seams.h"
#include "drill/exit_plan.h"
#include "drill/html.h"
#include "drill/live.h"
#include "drill/plan.h"
#include "drill/text.h"

namespace hz::drill {

inline std::string e(std::string_view text) { return escape(text); }
inline std::string id(std::string_view text) { return "<span class='id'>" + escape(text) + "</span>"; }

inline std::string chip(std::string_view colour, std::string_view mark, std::string_view word) {
  return fmt::format("<span class='chip {}'>{} {}</span>", colour, mark, word);
}
inline std::string life_chip(std::string_view life) {
  if (life == "stopped") return chip("red", "✖", "stopped");
  if (life == "degraded") return chip("amber", "▲", "degraded");
  return chip("green", "●", "running");
}
inline std::string outcome_chip(Outcome outcome) {
  switch (outcome) {
    case Outcome::kept:
      return chip("green", "●", "kept");
    case Outcome::substituted:
      return chip("blue", "◆", "substituted");
    case Outcome::late:
      return chip("amber", "▲", "late");
    case Outcome::unsaved:
      return chip("red", "✖", "not saved");
  }
  return "";
}

// A table; cells are HTML already.
class Table {
 public:
  explicit Table(std::initializer_list<std::string_view> head, std::initializer_list<std::size_t> numbers = {})
      : numbers_(numbers) {
    html_ = "<div class='scroll'><table><thead><tr>";
    std::size_t column = 0;
    for (const std::string_view cell : head) html_ += fmt::format("<th scope='col'{}>{}</th>", css(column++), cell);
    html_ += "</tr></thead><tbody>\n";
  }
  void row(std::initializer_list<std::string> cells) {
    html_ += "<tr>";
    std::size_t column = 0;
    for (const std::string& cell : cells) html_ += fmt::format("<td{}>{}</td>", css(column++), cell);
    html_ += "</tr>\n";
  }
  std::string end() { return html_ + "</tbody></table></div>\n"; }

 private:
  std::string_view css(std::size_t column) const { return numbers_.contains(column) ? " class='num'" : ""; }
  std::set<std::size_t> numbers_;
  std::string html_;
};

// Statements the report rests on, each with what it says; first mention wins.
class Evidence {
 public:
  void add(const std::string& statement, const std::string& says) {
    if (!statement.empty() && seen_.insert(statement).second) rows_.emplace_back(statement, says);
  }
  const std::vector<std::pair<std::string, std::string>>& rows() const { return rows_; }

 private:
  std::set<std::string> seen_;
  std::vector<std::pair<std::string, std::string>> rows_;
};

inline std::string joined(const std::vector<std::string>& parts, std::string_view between) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : std::string(between)) + part;
  return out;
}

inline std::string plural(std::int64_t n, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", n, n == 1 ? one : many);
}

// Drills in which traffic moved, beside what is planned.
std::string live_html(const std::vector<KnownDrill>& drills, const Plan& plan, Evidence& evidence);
// The exit plan: times against tolerance, answers before and after, what was taken away, who must do what.
std::string exit_html(const ExitPlan& plan, Evidence& evidence);

}  // namespace hz::drill
