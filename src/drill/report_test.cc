#include "drill/report.h"

#include <doctest/doctest.h>

#include <cstdlib>

#include "base/fs.h"
#include "drill/cone.h"
#include "drill/html.h"
#include "drill/layers.h"
#include "drill/ops.h"
#include "drill/test_world.h"

using namespace hz;
using namespace hz::drill;

namespace {

std::string report_of(const World& world, std::vector<std::string> lose) {
  const auto drill = Rehearsal::of(world, lose, control_bp_default).value();
  ReportInput in;
  in.impact = drill->impact().value();
  in.plan = drill->plan().value();
  in.frontier = {{{"hezong.example/acme", 412, hex(crypto::sha256(as_bytes("root")))}},
                 hex(crypto::sha256(as_bytes("frontier")))};
  in.member = "acme";
  in.now_ms = 1'700'000'000'000;
  return report_html(*drill, in);
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

}  // namespace

TEST_CASE("html: what a member writes stays text") {
  CHECK(escape("<b a='1' c=\"2\">&") == "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;");
  CHECK(escape(std::string("a\0b\x1b", 4)) ==
        "a\xef\xbf\xbd"
        "b\xef\xbf\xbd");
}

TEST_CASE("html: shortening keeps both ends and never cuts a character") {
  CHECK(shorten("short", 10) == "short");
  CHECK(shorten("onnxruntime-node-extended", 12) == "onnxrun…nded");
  const std::string wide = "合纵连横合纵连横合纵连横";
  CHECK(api::cell_width(shorten(wide, 11)) <= 11);
  CHECK(valid_utf8(shorten(wide, 11)));
}

TEST_CASE("layers: boxes of a column do not overlap, and every edge runs to the right") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    SeededRng rng(seed);
    Sketch sketch;
    const int nodes = 2 + static_cast<int>(rng.below(30));
    sketch.heights.assign(static_cast<std::size_t>(nodes), 50);
    for (int i = 0; i < nodes * 2; ++i)
      sketch.edges.emplace_back(static_cast<int>(rng.below(static_cast<std::uint64_t>(nodes))),
                                static_cast<int>(rng.below(static_cast<std::uint64_t>(nodes))));
    const Placed placed = place(sketch);
    for (std::size_t a = 0; a < placed.boxes.size(); ++a) {
      CHECK(placed.boxes[a].y >= 0);
      CHECK(placed.boxes[a].y + 50 <= placed.height);
      for (std::size_t b = a + 1; b < placed.boxes.size(); ++b)
        if (placed.boxes[a].column == placed.boxes[b].column)
          CHECK(std::abs(placed.boxes[a].y - placed.boxes[b].y) >= 50 + sketch.row_gap - 1);
    }
    for (const auto& line : placed.lines) {
      CHECK(placed.boxes[static_cast<std::size_t>(line.from)].column <
            placed.boxes[static_cast<std::size_t>(line.to)].column);
      for (std::size_t i = 1; i < line.points.size(); ++i) CHECK(line.points[i - 1].first < line.points[i].first);
    }
  }
}

TEST_CASE("report: one file with every part, without script and without the outside") {
  const std::string html = report_of(demo_world().finish(), {"entity:microsoft"});
  for (const char* part :
       {"If we lose entity:microsoft", "Before and after", "What the loss reaches", "<svg class='cone'", "Plan",
        "backend:opencv", "3.00–5.00 yuan/h", "What stays undone", "LayerNormalization", "Smallest losses",
        "What nobody knows", "deb:zlib@1.2.13", "Evidence", "hezong log verify", "hezong audit verify",
        "hezong proof export", "Taken for granted", "Gather axis 1"})
    CHECK_MESSAGE(contains(html, part), part);
  CHECK(!contains(html, "<script"));
  CHECK(!contains(html, "http:"));
  CHECK(!contains(html, "https:"));
  CHECK(!contains(html, "url("));
}

TEST_CASE("report: equal worlds and an equal clock give equal bytes") {
  CHECK(report_of(demo_world().finish(), {"jurisdiction:US"}) == report_of(demo_world().finish(), {"jurisdiction:US"}));
}

TEST_CASE("report: hostile texts of members stay texts everywhere") {
  const std::string bad = "<script>alert('x')</script>\"'><img src=x>";
  WorldBuilder b = demo_world();
  World w = b.finish();
  for (Entity& x : w.entities) x.name = bad;
  for (Product& x : w.products) x.name = x.area = bad;
  for (Edge& x : w.edges) x.file = x.field = bad;
  for (ModelResult& x : w.model_results) x.worst = x.lift = bad;
  for (Site& x : w.sites) x.name = bad;
  for (Release& x : w.releases) x.licence = bad;
  for (Unknown& x : w.unknowns) x.why = bad;
  for (Need& x : w.needs) x.skill = bad;
  for (Node& x : w.nodes) x.name = x.version = x.type = bad;
  for (ModelOp& x : w.model_ops) x.op_type = bad;
  const std::string html = report_of(w, {"entity:microsoft"});
  CHECK(!contains(html, "<script"));
  CHECK(!contains(html, "<img"));
  CHECK(contains(html, "&lt;script&gt;"));
}

TEST_CASE("report: hundreds of lost components share boxes, and their number is said") {
  WorldBuilder b = demo_world();
  for (int i = 0; i < 300; ++i) {
    const std::string id = fmt::format("deb:lib{}@{}", i, i % 7);
    b.node(id, "package", i % 3 == 0 ? "google" : i % 3 == 1 ? "intel" : "fsf");
    b.needs(i % 2 == 0 ? "backend:opencv" : "backend:ort", id, "dpkg/status", "Depends");
  }
  const auto drill = Rehearsal::of(b.finish(), {"jurisdiction:US"}, control_bp_default).value();
  const Cone cone = affected_cone(*drill, drill->plan().value());
  CHECK(cone.nodes.size() <= 60);
  CHECK(cone.clustered >= 300);
  const std::string html = report_of(b.finish(), {"jurisdiction:US"});
  CHECK(contains(html, "components share boxes"));
  if (const char* folder = std::getenv("HZ_SHOW"))
    REQUIRE(write_file_durably(std::string(folder) + "/report-large.html", as_bytes(html)));
}

TEST_CASE("text: what people read names products, reasons, plans and assumptions") {
  const auto drill = Rehearsal::of(demo_world().finish(), {"entity:microsoft"}, control_bp_default).value();
  const std::string impact = text(drill->impact().value(), api::Style{});
  CHECK(contains(impact, "✖ stopped"));
  CHECK(contains(impact, "backend:ort ← npm:onnxruntime-node@1.16.3 ← microsoft"));
  CHECK(contains(impact, "1 running, 0 degraded, 3 stopped."));
  CHECK(answer_is_no(drill->impact().value()));
  const std::string plan = text(drill->plan().value(), api::Style{});
  CHECK(contains(plan, "◆ substituted"));
  CHECK(contains(plan, "Nothing proven exists."));
  CHECK(contains(plan, "To port"));
  CHECK(answer_is_no(drill->plan().value()));
  if (std::getenv("HZ_SHOW")) {  // NOLINT: for looking at, e.g. HZ_SHOW=/tmp unit_drill -tc='text:*'
    fmt::print("{}\n{}\n", text(drill->impact().value(), api::Style{true, 120}),
               text(drill->plan().value(), api::Style{true, 120}));
    const std::string folder = std::getenv("HZ_SHOW");
    for (const char* target : {"entity:microsoft", "jurisdiction:US", "service:huggingface.co"})
      REQUIRE(write_file_durably(folder + "/report-" + std::string(target).substr(0, 6) + ".html",
                                 as_bytes(report_of(demo_world().finish(), {target}))));
  }
}
