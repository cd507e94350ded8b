#include <algorithm>

#include "drill/cone.h"
#include "drill/html.h"
#include "drill/layers.h"

namespace hz::drill {
namespace {

constexpr int box_width = 226, box_width_min = 172, box_height = 50, margin = 14;
constexpr int page_width = 1080;  // inside a card of the report; wider pictures scroll on screen and shrink in print

struct Look {
  const char* css;   // class of the box
  const char* word;  // for screen readers and tooltips: never colour alone
  const char* mark;  // a 12 x 12 sign around (0, 0)
};

constexpr const char* cross = "<path class='mark' d='M-4-4L4 4M4-4L-4 4'/>";
constexpr const char* triangle = "<path class='mark' d='M0-5L5 4H-5Z'/>";
constexpr const char* diamond = "<path class='mark' d='M0-6L6 0L0 6L-6 0Z'/>";

Look look(Role role) {
  switch (role) {
    case Role::cut:
      return {"cut", "cut", cross};
    case Role::stopped:
      return {"down", "stopped", cross};
    case Role::degraded:
      return {"weak", "degraded", triangle};
    case Role::substitute:
      return {"sub", "substitute", diamond};
    case Role::product_stopped:
      return {"down product", "product stopped", cross};
    case Role::product_degraded:
      return {"weak product", "product degraded", triangle};
    case Role::product_saved:
      return {"saved product", "product stopped, then substituted", diamond};
  }
  return {"", "", ""};
}

std::string curve(const std::vector<std::pair<int, int>>& points) {
  std::string d = fmt::format("M{} {}", points[0].first, points[0].second);
  for (std::size_t i = 1; i < points.size(); ++i) {
    const auto [x0, y0] = points[i - 1];
    const auto [x1, y1] = points[i];
    const int middle = (x0 + x1) / 2;
    d += y0 == y1 ? fmt::format("H{}", x1) : fmt::format("C{} {} {} {} {} {}", middle, y0, middle, y1, x1, y1);
  }
  return d;
}

}  // namespace

std::string draw(const Cone& cone) {
  if (cone.nodes.empty()) return "";
  Sketch sketch;
  sketch.width = box_width;
  sketch.heights.assign(cone.nodes.size(), box_height);
  for (const ConeEdge& e : cone.edges) sketch.edges.emplace_back(static_cast<int>(e.from), static_cast<int>(e.to));
  Placed placed = place(sketch);
  if (placed.width + 2 * margin > page_width) {
    // Narrower boxes rather than a picture wider than the page.
    int columns = 1;
    for (const Placed::Box& box : placed.boxes) columns = std::max(columns, box.column + 1);
    sketch.column_gap = 36;
    sketch.width = std::max(box_width_min, (page_width - 2 * margin - (columns - 1) * sketch.column_gap) / columns);
    placed = place(sketch);
  }
  // Widths of the page's fonts, on the wide side: 9.0 and 7.4 px a cell.
  const int name_cells = (sketch.width - 36) * 10 / 90, note_cells = (sketch.width - 36) * 10 / 74;
  const int width = placed.width + 2 * margin, height = placed.height + 2 * margin;

  std::string s = fmt::format(
      "<svg class='cone' viewBox='0 0 {0} {1}' width='{0}' height='{1}' role='img' aria-labelledby='cone-title "
      "cone-desc'>\n"
      "<title id='cone-title'>What the loss reaches</title>\n"
      "<desc id='cone-desc'>From the cut on the left to the affected products on the right; the table below says the "
      "same "
      "in words.</desc>\n"
      "<g transform='translate({2} {2})'>\n",
      width, height, margin);
  const auto find_edge = [&](const Placed::Line& line) -> const ConeEdge& {
    return *std::find_if(cone.edges.begin(), cone.edges.end(), [&](const ConeEdge& e) {
      return static_cast<int>(e.from) == line.from && static_cast<int>(e.to) == line.to;
    });
  };
  for (const Placed::Line& line : placed.lines) {
    const ConeEdge& edge = find_edge(line);
    const ConeNode& from = cone.nodes[edge.from];
    const char* css = edge.substitute               ? "edge-sub"
                      : from.role == Role::cut      ? "edge-cut"
                      : from.role == Role::degraded ? "edge-weak"
                                                    : "edge-down";
    s += fmt::format("<path class='edge {}' d='{}'/>\n", css, curve(line.points));
    const auto [x, y] = line.points.back();
    s += fmt::format("<path class='head {}' d='M{} {}l-8-4v8z'/>\n", css, x, y);
  }
  for (std::size_t n = 0; n < cone.nodes.size(); ++n) {
    const ConeNode& node = cone.nodes[n];
    const Look l = look(node.role);
    s += fmt::format(
        "<g class='box {0}' transform='translate({1} {2})' tabindex='0'><title>{3}: {4}\n{5}</title>"
        "<rect width='{6}' height='{7}' rx='8'/><g transform='translate(16 {8})'>{9}</g>"
        "<text class='name' x='30' y='21'>{10}</text><text class='note' x='30' y='39'>{11}</text></g>\n",
        l.css, placed.boxes[n].x, placed.boxes[n].y, l.word, escape(node.id), escape(node.note), sketch.width,
        box_height, box_height / 2, l.mark, escape(shorten(node.name, name_cells)),
        escape(shorten(node.note, note_cells)));
  }
  return s + "</g></svg>\n";
}

}  // namespace hz::drill
