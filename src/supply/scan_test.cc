// Whole scans of a made-up folder on a made-up computer, recorded by a real member.
#include <doctest/doctest.h>

#include "sql/db.h"
#include "supply/entity_file.h"
#include "supply/exposure_op.h"
#include "supply/record.h"
#include "supply/scan.h"
#include "supply/tree_for_tests.h"

using namespace hz;
using namespace hz::supply;

namespace {

struct World {
  TempDir dir;
  fs::path computer = dir.path() / "computer", deploy = dir.path() / "deploy";
  ManualClock clock{1'795'000'000'000};
  SeededRng rng{7};
  std::vector<std::string_view> schemas = {view_schema()};
  alliance::Mounted mounted{kinds(), schemas};
  alliance::Seams seams{&clock, &rng, &silent_progress()};

  World() {
    made_up::computer(computer);
    made_up::deployment(deploy);
  }
  ScanOptions options() {
    return {.system_root = computer, .dpkg_root = computer / "var/lib/dpkg", .observed_ms = clock.now_ms()};
  }
  Collected collect() {
    auto r = scan_folder(deploy, "deploy", options());
    if (!r) FAIL(r.error().text());
    return *std::move(r);
  }
  alliance::Member member() {
    auto r = alliance::Member::create(dir.path() / "home", {.name = "M", .origin = "m.example/log"}, mounted, seams);
    if (!r) FAIL(r.error().text());
    return *std::move(r);
  }
};

std::vector<std::string> selected(alliance::Member& member, std::string_view query) {
  std::vector<std::string> out;
  sql::Db* views = member.views().value();
  const auto r = views->query(query, {}, [&](const sql::Row& row) {
    out.push_back(row.text(0));
    return true;
  });
  if (!r) FAIL(r.error().text());
  return out;
}

std::string reason_of(const Collected& collected) {
  return collected.refused.size() == 1 ? collected.refused[0].reason + " " + collected.refused[0].path
                                       : fmt::format("{} refused", collected.refused.size());
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("scan: a product leads through its backend and libraries to packages, each edge with its evidence") {
  World w;
  const Collected collected = w.collect();
  CHECK(collected.refused.empty());
  alliance::Member member = w.member();
  const auto done = record(member, "deploy", collected, w.clock.now_ms());
  REQUIRE_MESSAGE(done, done.error().text());
  CHECK(
      selected(member,
               "SELECT node || ' > ' || input || ' [' || evidence_file || ': ' || evidence_field || ']' "
               "FROM public_supply_edge WHERE node NOT LIKE 'product:%' ORDER BY node, input") ==
      Texts{"backend:engine > file:libengine.so.4 [backends.toml: library /usr/lib/libengine.so.4.0]",
            "backend:ours > file:serve-ours [backends.toml: program /usr/bin/serve-ours]",
            "backend:plugin > file:libplugin.so [backends.toml: library node_modules/right/bin/libplugin.so]",
            "file:libc.so.6 > deb:glibc@2.36-9 [/var/lib/dpkg/status libc6:amd64: shipped by libc6]",
            "file:libengine.so.4 > deb:engine-src@4.0-1 [/var/lib/dpkg/status libengine4:amd64: shipped by libengine4]",
            "file:libengine.so.4 > file:libc.so.6 [/usr/lib/libengine.so.4.0: DT_NEEDED]",
            "file:libengine.so.4 > file:libmath.so.1 [/usr/lib/libengine.so.4.0: DT_NEEDED]",
            "file:libmath.so.1 > deb:engine-src@4.0-1 [/var/lib/dpkg/status libengine4:amd64: shipped by libengine4]",
            "file:libmath.so.1 > file:libc.so.6 [/usr/lib/libmath.so.1: DT_NEEDED]",
            "file:libmath.so.1 > file:libgone.so.2 [/usr/lib/libmath.so.1: DT_NEEDED]",
            "file:libplugin.so > file:libc.so.6 [node_modules/right/bin/libplugin.so: DT_NEEDED]",
            "file:libplugin.so > npm:right@2.1.0 [node_modules/right/bin/libplugin.so: inside the package's folder]",
            "file:serve-ours > file:libc.so.6 [/usr/bin/serve-ours: DT_NEEDED]",
            "gate:glyph/2 > backend:engine [products/glyph.toml: requirement 2.2 (line 16)]",
            "gate:glyph/2 > backend:ours [products/glyph.toml: requirement 2.1 (line 16)]",
            "npm:left > npm:left@1.0.0 [node_modules/left/package.json: every version known of npm:left]",
            "npm:left@1.0.0 > npm:right@2.1.0 [node_modules/left/package.json: dependencies.right]"});
  CHECK(selected(member, "SELECT evidence_field FROM public_supply_edge WHERE input = 'service:hub.example'") ==
        Texts{"requirement 3 (line 16); ../deploy.env HF_ENDPOINT"});
  CHECK(selected(member, "SELECT op_type || opset || count FROM public_supply_model_op") == Texts{"Relu171"});
  CHECK(selected(member, "SELECT incumbent FROM public_supply_product") == Texts{"backend:ours"});
  CHECK(selected(member, "SELECT node || ' ' || what FROM public_supply_unknown WHERE what <> 'entity'") ==
        Texts{"file:libgone.so.2 evidence", "file:libgone.so.2 library"});
  CHECK(selected(member, "SELECT count(*) FROM supply_note WHERE value LIKE '%secret%'") == Texts{"0"});
}

TEST_CASE(
    "scan: an unchanged folder says nothing new, a changed file replaces what it said, and one that returns is news") {
  World w;
  alliance::Member member = w.member();
  const auto again = [&] {
    w.clock.advance_ms(1000);
    const auto r = record(member, "deploy", w.collect(), w.clock.now_ms());
    if (!r) FAIL(r.error().text());
    return fmt::format("{} {} {} {}", r->sources_new, r->sources_changed, r->sources_unchanged, r->sources_gone);
  };
  CHECK(again() == "13 0 0 0");
  const auto before = selected(member, "SELECT node || input FROM public_supply_edge ORDER BY 1");
  CHECK(again() == "0 0 13 0");
  fs::remove(w.deploy / "deploy.env");
  CHECK(again() == "0 0 12 1");
  CHECK(selected(member, "SELECT mention FROM supply_node_fact WHERE node = 'service:hub.example'") == Texts{"1"});
  made_up::deployment(w.deploy);
  CHECK(again() == "1 0 12 0");
  made_up::write(w.deploy / "node_modules/right/package.json", R"({"name":"right","version":"2.2.0"})");
  CHECK(again() == "0 3 10 0");  // the package, who needs it, and the library in it
  made_up::deployment(w.deploy);
  CHECK(again() == "0 3 10 0");
  CHECK(selected(member, "SELECT node || input FROM public_supply_edge ORDER BY 1") == before);
}

TEST_CASE("scan: bad files are named with their reason") {
  World w;
  const auto with = [&](const char* path, std::string_view text) {
    made_up::write(w.deploy / path, text);
    const std::string out = reason_of(w.collect());
    fs::remove(w.deploy / path);
    made_up::deployment(w.deploy);
    return out;
  };
  CHECK(with("products/bad.toml", "[product]\nid = 1\n") == "supply.field products/bad.toml");
  CHECK(with("products/bad.toml", "[product") == "supply.toml products/bad.toml");
  CHECK(with("products/bad.toml", "x = \"\xff\"") == "base.utf8 products/bad.toml");
  CHECK(with("products/two.toml", made_up::manifest) == "supply.product_twice products/two.toml");
  std::string text(made_up::manifest);
  text.replace(text.find("../models/glyph.onnx"), 20, "../models/none.onnx");
  CHECK(with("products/glyph.toml", text) == "supply.missing_file products/glyph.toml");
  text.replace(text.find("../models/none.onnx"), 19, "../../computer/usr/lib/libc.so.6");
  CHECK(with("products/glyph.toml", text) == "supply.outside products/glyph.toml");
  text = made_up::manifest;
  text.replace(text.find("\"npm:left\""), 10, "\"product:glyph\"");
  CHECK(with("products/glyph.toml", text) == "supply.cycle products/glyph.toml");
  text = made_up::manifest;
  text.replace(text.find("\"npm:left\""), 10, "{ k = 2, of = [\"npm:left\"] }");
  CHECK(with("products/glyph.toml", text) == "supply.requirement products/glyph.toml");
  text.replace(text.find("{ k = 2, of = [\"npm:left\"] }"), 28, "\"left\"");
  CHECK(with("products/glyph.toml", text) == "supply.component products/glyph.toml");
  CHECK(with("models/cut.onnx", "\x08\x08\x3a\x7f") == "onnx.truncated models/cut.onnx");
  CHECK(with("app.cdx.json", R"({"bomFormat":"CycloneDX","specVersion":"9.9"})") == "supply.bom app.cdx.json");
  CHECK(with("package-lock.json", R"({"lockfileVersion":1})") == "supply.npm package-lock.json");
  CHECK(with("libcut.so",
             "\x7f"
             "ELF\x02\x01") == "supply.elf libcut.so");
  CHECK(with("x.env", std::string_view("A\0B", 3)) == "supply.config x.env");
  CHECK(with("entities.toml", "[[entity]]\nid = 1\n") == "supply.field entities.toml");
  CHECK(with("big.onnx", "") == "onnx.malformed big.onnx");
}

TEST_CASE("scan: links neither loop nor lead a manifest out of the folder") {
  World w;
  fs::create_directory_symlink(w.deploy, w.deploy / "loop");
  fs::remove(w.deploy / "products/glyph.golden");
  fs::create_symlink(w.computer / "usr/lib/libc.so.6", w.deploy / "products/glyph.golden");
  CHECK(reason_of(w.collect()) == "supply.outside products/glyph.toml");
}

TEST_CASE("scan: the computer shows its processor, kernel and the libraries we know") {
  World w;
  made_up::write(w.computer / "usr/lib/libopencv_dnn.so.406", made_up::elf("libopencv_dnn.so.406", {"libc.so.6"}));
  const auto r = scan_host("host", w.options());
  REQUIRE(r);
  Texts nodes;
  for (const Evidence& e : r->evidence)
    for (const NodeFact& n : e.facts.nodes)
      if (!n.mention) nodes.push_back(n.node);
  CHECK(nodes == Texts{"chip:Made-Up-R-CPU-2-GHz", "driver:linux@6.1.0-18-amd64", "backend:opencv", "file:libc.so.6",
                       "file:libopencv_dnn.so.406", "deb:glibc@2.36-9"});
}

TEST_CASE("exposure: a bad file refuses everything, --keep-going records the rest and answers no") {
  World w;
  made_up::write(w.deploy / "products/bad.toml", "[product]\nid = 1\n");
  alliance::Member member = w.member();
  const std::uint64_t before = member.frontier().logs[0].size;
  api::Ctx ctx{.home = w.dir.path() / "home", .mounted = w.mounted, .seams = w.seams, .opened = std::move(member)};
  ScanIn in;
  in.dir = w.deploy.string();
  const auto refused = scan(ctx, in);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().reason->slug == "supply.refused");
  CHECK(refused.error().detail.find("products/bad.toml: line 2") != std::string::npos);
  CHECK(ctx.opened->frontier().logs[0].size == before);
  in.keep_going = true;
  const auto kept = scan(ctx, in);
  REQUIRE_MESSAGE(kept, kept.error().text());
  CHECK(answer_is_no(*kept));
  CHECK(kept->refused.size() == 1);
  CHECK(kept->recorded);
  CHECK(kept->exposure.products.size() == 1);
  // The list of backends cannot be read now: its libraries are not withdrawn for that.
  made_up::write(w.deploy / "backends.toml", "[[backend]]\n");
  const auto again = scan(ctx, in);
  REQUIRE_MESSAGE(again, again.error().text());
  CHECK(again->refused.size() == 2);
  CHECK(again->changes.sources_gone == 0);
}

TEST_CASE("exposure: without a member the answer is the same and nothing is kept") {
  World w;
  api::Ctx ctx{.home = w.dir.path() / "none", .mounted = w.mounted, .seams = w.seams};
  ScanIn in;
  CHECK(scan(ctx, in).error().reason->slug == "supply.nothing");
  in.dir = w.deploy.string();
  const auto r = scan(ctx, in);
  REQUIRE_MESSAGE(r, r.error().text());
  CHECK_FALSE(r->recorded);
  CHECK(r->exposure.products.size() == 1);
  CHECK(r->exposure.unattributed == r->exposure.attributable);
  CHECK_FALSE(fs::exists(w.dir.path() / "none"));
  in.dir = (w.dir.path() / "missing").string();
  CHECK(scan(ctx, in).error().reason->slug == "base.read");
}

TEST_CASE("evidence: parts of large facts are bounded and join to the whole") {
  Evidence evidence;
  evidence.source = {"s", "bom.json", "cyclonedx", std::string(64, 'a')};
  for (int i = 0; i < 2000; ++i) {
    NodeFact n;
    n.node = fmt::format("npm:p{}@1", i);
    n.type = "package";
    n.name = "p";
    n.notes = {{"licence", std::string(2000, 'x'), {}}};
    evidence.facts.nodes.push_back(n);
    evidence.facts.edges.push_back({n.node, "npm:p0@1", "dependencies"});
  }
  std::size_t nodes = 0, edges = 0;
  const auto parts = split_evidence(evidence, 1);
  for (const Observation& part : parts) {
    CHECK(json::dump(to_json(part)).size() <= 30 * 1024);
    CHECK(part.parts == static_cast<std::int64_t>(parts.size()));
    nodes += part.nodes.size();
    edges += part.edges.size();
  }
  CHECK(nodes == 2000);
  CHECK(edges == 2000);
  CHECK(split_evidence({evidence.source, {}}, 1).size() == 1);
}
