#include "drill/test_world.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <utility>

#include "drill/kinds.h"
#include "drill/rehearsal.h"
#include "drill/sql_text.h"

namespace hz::drill {

WorldBuilder demo_world() {
  WorldBuilder b;
  b.entity("microsoft", "Microsoft Corporation", "US")
      .entity("github", "GitHub, Inc.", "US")
      .entity("google", "Google LLC", "US")
      .entity("hugging-face", "Hugging Face, Inc.", "US")
      .entity("opencv", "Open Source Vision Foundation", "US")
      .entity("intel", "Intel Corporation", "US")
      .entity("fsf", "Free Software Foundation", "US")
      .entity("videolan", "VideoLAN", "FR")
      .entity("alliance", "The alliance itself", "unknown")
      .entity("hefei-lab", "Hefei Computing Centre", "CN")
      .entity("lyon-compute", "Lyon Compute SAS", "FR");
  b.owns("microsoft", "github", 10000);
  b.product("glyph", "Glyph reader", "vision", "backend:ort", 900, 3600, 30)
      .product("keyword", "Keyword spotter", "speech", "backend:ort", 900, 1800, 20)
      .product("intent", "Intent of a sentence", "language", "backend:ort", 850, 7200, 30)
      .product("arm", "Two-joint arm", "robotics", "backend:opencv", 800, 600, 50);
  b.node("backend:ort", "runtime")
      .node("backend:opencv", "runtime")
      .node("backend:refrt", "runtime", "alliance")
      .node("npm:onnxruntime-node@1.16.3", "package", "microsoft")
      .node("npm:onnxruntime-common@1.16.3", "package", "microsoft")
      .node("file:libonnxruntime.so.1.16.3", "file", "microsoft")
      .node("deb:opencv@4.6.0+dfsg-12", "package", "opencv")
      .node("deb:protobuf@3.21.12-3", "package", "google")
      .node("deb:onetbb@2021.8.0-2", "package", "intel")
      .node("deb:libjpeg-turbo@2.1.5-2", "package")
      .node("deb:zlib@1.2.13", "package")
      .node("deb:glibc@2.36-9", "package", "fsf")
      .node("deb:gcc-12@12.2.0-14", "package", "fsf")
      .node("service:huggingface.co", "service", "hugging-face");
  b.needs("backend:ort", "npm:onnxruntime-node@1.16.3", "package-lock.json",
          "packages[\"node_modules/onnxruntime-node\"]")
      .needs("npm:onnxruntime-node@1.16.3", "npm:onnxruntime-common@1.16.3", "package-lock.json", "dependencies")
      .needs("npm:onnxruntime-node@1.16.3", "file:libonnxruntime.so.1.16.3", "package.json", "files")
      .needs("file:libonnxruntime.so.1.16.3", "deb:glibc@2.36-9", "libonnxruntime.so.1.16.3", "DT_NEEDED libc.so.6")
      .needs("backend:opencv", "deb:opencv@4.6.0+dfsg-12", "libopencv_dnn.so.406", "dpkg owner")
      .needs("deb:opencv@4.6.0+dfsg-12", "deb:protobuf@3.21.12-3", "dpkg/status", "Depends")
      .needs("deb:opencv@4.6.0+dfsg-12", "deb:onetbb@2021.8.0-2", "dpkg/status", "Depends")
      .needs("deb:opencv@4.6.0+dfsg-12", "deb:libjpeg-turbo@2.1.5-2", "dpkg/status", "Depends")
      .needs("deb:opencv@4.6.0+dfsg-12", "deb:zlib@1.2.13", "dpkg/status", "Depends")
      .needs("deb:opencv@4.6.0+dfsg-12", "deb:glibc@2.36-9", "dpkg/status", "Depends")
      .needs("deb:glibc@2.36-9", "deb:gcc-12@12.2.0-14", "dpkg/status", "Depends")
      .needs("deb:gcc-12@12.2.0-14", "deb:glibc@2.36-9", "dpkg/status", "Depends")
      .needs("backend:refrt", "deb:glibc@2.36-9", "refrt", "DT_NEEDED libc.so.6")
      .needs("product:intent", "service:huggingface.co", "deploy/intent.env", "HF_ENDPOINT");
  for (const char* op : {"Conv", "Relu", "MaxPool", "Gemm"}) b.op("glyph", op, 3);
  for (const char* op : {"GRU", "Transpose", "Gemm"}) b.op("keyword", op);
  for (const char* op : {"Gather", "MatMul", "Softmax", "LayerNormalization"}) b.op("intent", op, 2);
  for (const char* op : {"Gemm", "Tanh"}) b.op("arm", op, 3);
  for (const char* product : {"glyph", "keyword", "intent", "arm"}) b.result(product, "backend:ort", "STRICT", 985);
  b.result("glyph", "backend:opencv", "STRICT", 985)
      .result("glyph", "backend:refrt", "STRICT", 985)
      .result("keyword", "backend:opencv", "FAILED", 512,
              "case 41: expected class 3, got 7; largest error 0.83 of the peak")
      .result("keyword", "backend:refrt", "BASIC_ONLY", 981)
      .result("intent", "backend:opencv", "FAILED", 0, "the engine refused the model: Gather axis 1 is not supported")
      .result("arm", "backend:opencv", "STRICT", 941)
      .result("arm", "backend:refrt", "STRICT", 941);
  for (const char* op : {"Conv", "Relu", "MaxPool", "Gemm", "Transpose", "MatMul", "Softmax", "Tanh"}) {
    b.op_result("backend:opencv", op, "STRICT", 8, 8);
    b.op_result("backend:refrt", op, "STRICT", 8, 8);
  }
  b.op_result("backend:opencv", "GRU", "FAILED", 5, 1)
      .op_result("backend:opencv", "Gather", "FAILED", 4, 2)
      .op_result("backend:refrt", "GRU", "STRICT", 5, 5);
  b.site("hefei", "hefei-lab", "CN", "backend:opencv", 300, 500, 10, 30)
      .site("hefei", "hefei-lab", "CN", "backend:refrt", 900, 1200, 20, 45)
      .site("lyon", "lyon-compute", "FR", "backend:opencv", 450, 700, 5, 15)
      .site("lyon", "lyon-compute", "FR", "backend:refrt", 800, 1100, 10, 25);
  b.need("backend:opencv", "skill:opencv-dnn-layers", 2, 16, 60)
      .need("backend:refrt", "skill:onnx-operators", 1, 4, 24);
  b.release("glyph", "Apache-2.0").release("keyword", "Apache-2.0").release("intent", "Apache-2.0");
  return b;
}

World WorldBuilder::finish() const {
  World w = world;
  const auto by = [](auto& rows, auto key) {
    std::sort(rows.begin(), rows.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
  };
  by(w.entities, [](const Entity& e) { return e.id; });
  by(w.nodes, [](const Node& n) { return n.id; });
  by(w.edges, [](const Edge& e) { return std::pair(e.node, e.input); });
  by(w.products, [](const Product& p) { return p.id; });
  by(w.model_results, [](const ModelResult& r) { return std::pair(r.model, r.backend); });
  by(w.sites, [](const Site& s) { return std::pair(s.id, s.backend); });
  return w;
}

Result<void> fill_views(sql::Db& db, const World& w) {
  HZ_TRY(
      db.run("CREATE TABLE public_alliance_self(member); INSERT INTO public_alliance_self VALUES ('me');"
             "CREATE TABLE public_supply_entity(entity, name, jurisdiction, statement);"
             "CREATE TABLE public_supply_owner(entity, owner, share_bp, statement);"
             "CREATE TABLE public_supply_node(node, type, name, version, op, k, entity, entity_source, statement);"
             "CREATE TABLE public_supply_edge(node, input, evidence_file, evidence_field, evidence_digest, "
             "observed_ms, statement);"
             "CREATE TABLE public_supply_product(product, name, area, model_sha256, incumbent, golden_sha256, "
             "quality_min_milli,"
             "  outage_max_s, quality_drop_max_milli, statement);"
             "CREATE TABLE public_supply_model_op(model_sha256, op_type, domain, opset, count, statement);"
             "CREATE TABLE public_supply_unknown(node, what, why, statement);"
             "CREATE TABLE public_standards_model_result(model_sha256, backend, verdict, quality_milli, "
             "agreement_milli, worst,"
             "  golden_sha256, backend_digest, lift, observed_ms, statement, member);"
             "CREATE TABLE public_standards_operator_result(op_type, domain, dtype, opset, backend, verdict, cases, "
             "passed, statement, member AS ('me'));"
             "CREATE TABLE public_standards_backend(backend, name, version, library_digest, library_path, isolation, "
             "statement);"
             "CREATE TABLE public_share_release(model_sha256, name, licence, audience, statement, member AS ('me'));"
             "CREATE TABLE public_pool_site(site, name, entity, jurisdiction, backend, price_fen_per_hour_min,"
             "  price_fen_per_hour_max, switch_minutes_min, switch_minutes_max, statement, member);"
             "CREATE TABLE public_talent_need(component, skill, people_min, port_hours_per_operator_min,"
             "  port_hours_per_operator_max, statement, member AS ('me'));"));
  const auto who = [](const std::string& member) { return member.empty() ? std::string("me") : member; };
  for (const auto& r : w.entities)
    HZ_TRY(db.exec("INSERT INTO public_supply_entity VALUES (?,?,?,?)", {r.id, r.name, r.jurisdiction, r.statement}));
  for (const auto& r : w.holdings)
    HZ_TRY(db.exec("INSERT INTO public_supply_owner VALUES (?,?,?,?)", {r.entity, r.owner, r.share_bp, r.statement}));
  for (const auto& r : w.nodes)
    HZ_TRY(db.exec("INSERT INTO public_supply_node VALUES (?,?,?,?,?,?,?,?,?)",
                   {r.id, r.type, r.name, r.version, r.op, r.k, r.entity.empty() ? sql::Param{} : sql::Param{r.entity},
                    r.entity_source, r.statement}));
  for (const auto& r : w.edges)
    HZ_TRY(db.exec("INSERT INTO public_supply_edge VALUES (?,?,?,?,?,?,?)",
                   {r.node, r.input, r.file, r.field, r.digest, r.observed_ms, r.statement}));
  for (const auto& r : w.products)
    HZ_TRY(db.exec("INSERT INTO public_supply_product VALUES (?,?,?,?,?,?,?,?,?,?)",
                   {r.id, r.name, r.area, r.model, r.incumbent, r.golden, r.quality_min_milli, r.outage_max_s,
                    r.quality_drop_max_milli, r.statement}));
  for (const auto& r : w.model_ops)
    HZ_TRY(db.exec("INSERT INTO public_supply_model_op VALUES (?,?,?,?,?,'')",
                   {r.model, r.op_type, r.domain, r.opset, r.count}));
  for (const auto& r : w.unknowns)
    HZ_TRY(db.exec("INSERT INTO public_supply_unknown VALUES (?,?,?,?)", {r.node, r.what, r.why, r.statement}));
  for (const auto& r : w.model_results)
    HZ_TRY(db.exec("INSERT INTO public_standards_model_result VALUES (?,?,?,?,?,?,?,'',?,?,?,?)",
                   {r.model, r.backend, r.verdict, r.quality_milli, r.agreement_milli, r.worst, r.golden, r.lift,
                    r.observed_ms, r.statement, who(r.member)}));
  for (const auto& r : w.operator_results)
    HZ_TRY(db.exec("INSERT INTO public_standards_operator_result VALUES (?,?,?,?,?,?,?,?,?)",
                   {r.op_type, r.domain, r.dtype, r.opset, r.backend, r.verdict, r.cases, r.passed, r.statement}));
  for (const auto& r : w.releases)
    HZ_TRY(db.exec("INSERT INTO public_share_release VALUES (?,?,?,?,?)",
                   {r.model, r.name, r.licence, r.audience, r.statement}));
  for (const auto& r : w.sites)
    HZ_TRY(db.exec("INSERT INTO public_pool_site VALUES (?,?,?,?,?,?,?,?,?,?,?)",
                   {r.id, r.name, r.entity, r.jurisdiction, r.backend, r.price_fen_per_hour_min,
                    r.price_fen_per_hour_max, r.switch_minutes_min, r.switch_minutes_max, r.statement, who(r.member)}));
  for (const auto& r : w.needs)
    HZ_TRY(
        db.exec("INSERT INTO public_talent_need VALUES (?,?,?,?,?,?)",
                {r.component, r.skill, r.people_min, r.hours_per_operator_min, r.hours_per_operator_max, r.statement}));
  return {};
}

}  // namespace hz::drill

using namespace hz;
using namespace hz::drill;

TEST_CASE("world: what the views hold comes back row by row, and unknown entities are empty") {
  const World wanted = demo_world().finish();
  sql::Db db = sql::Db::open(":memory:", sql::Mode::scratch).value();
  REQUIRE(fill_views(db, wanted));
  const World got = load_world(db).value();
  CHECK(got.nodes.size() == wanted.nodes.size());
  CHECK(got.edges.size() == wanted.edges.size());
  CHECK(got.products.size() == 4);
  CHECK(got.sites.size() == 4);
  CHECK(got.unknowns.size() == 2);
  for (std::size_t i = 0; i < got.nodes.size(); ++i) {
    CHECK(got.nodes[i].id == wanted.nodes[i].id);
    CHECK(got.nodes[i].entity == wanted.nodes[i].entity);
  }
  const ModelResult* r = find_result(got, WorldBuilder::model_of("keyword"), "backend:opencv");
  REQUIRE(r);
  CHECK(r->verdict == "FAILED");
}

namespace {

// The demo world with its sites and evidence said by other members, and glyph bound to a hall by its bare name.
World told_by_others(const std::vector<std::string>& hall_members) {
  WorldBuilder b = demo_world();
  b.needs("product:glyph", "site:hefei", "products/glyph.toml", "requirement.all[2]");
  for (ModelResult& r : b.world.model_results) r.member = "lab";
  const std::vector<Site> sites = std::exchange(b.world.sites, {});
  for (const std::string& member : hall_members)
    for (Site site : sites) {
      site.member = member;
      site.statement = WorldBuilder::statement(member + site.id + site.backend);
      b.world.sites.push_back(std::move(site));
    }
  return b.finish();
}
World seen_by_me(const World& world) {
  sql::Db db = sql::Db::open(":memory:", sql::Mode::scratch).value();
  REQUIRE(fill_views(db, world));
  return load_world(db).value();
}
bool needs(const World& world, std::string_view node, std::string_view input) {
  return std::ranges::any_of(world.edges, [&](const Edge& e) { return e.node == node && e.input == input; });
}

}  // namespace

TEST_CASE("world: a bare site name means the one other member's site, and losing that place stops the product") {
  const World world = seen_by_me(told_by_others({"hall"}));
  CHECK(needs(world, "product:glyph", "site:hefei@hall"));
  CHECK(!needs(world, "product:glyph", "site:hefei"));
  CHECK(std::ranges::is_sorted(world.edges, {}, [](const Edge& e) { return std::pair(e.node, e.input); }));
  const auto impact = Rehearsal::of(world, {"jurisdiction:CN"}, control_bp_default).value()->impact().value();
  for (const ProductImpact& p : impact.products) CHECK((p.product == "glyph") == (p.after == "stopped"));
}

TEST_CASE("world: this member's own site is meant before another member's of the same name") {
  const World world = seen_by_me(told_by_others({"hall", "me"}));
  CHECK(needs(world, "product:glyph", "site:hefei"));
  CHECK(std::ranges::none_of(world.unknowns, [](const Unknown& u) { return u.what == "site"; }));
}

TEST_CASE("world: two members with a site of that name: nobody guesses, and it is said") {
  const World world = seen_by_me(told_by_others({"hall", "rival"}));
  CHECK(needs(world, "product:glyph", "site:hefei"));
  const auto said = std::ranges::find(world.unknowns, std::string("site"), &Unknown::what);
  REQUIRE(said != world.unknowns.end());
  CHECK(said->node == "site:hefei");
  CHECK(said->why.starts_with("2 members"));
}

TEST_CASE("plan: every line names whose site and whose evidence it rests on") {
  const World world = seen_by_me(told_by_others({"hall"}));
  const Plan plan = Rehearsal::of(world, {"entity:microsoft"}, control_bp_default).value()->plan().value();
  std::size_t chosen = 0;
  for (const ProductPlan& p : plan.products) {
    if (!p.choice) continue;
    ++chosen;
    CHECK(p.choice->site_member == "hall");
    CHECK(p.choice->evidence_member == "lab");
    CHECK(p.choice->site.ends_with("@hall"));
  }
  CHECK(chosen >= 2);
}

TEST_CASE("views: the schema and every query of this module prepare") {
  sql::Db db = sql::Db::open(":memory:", sql::Mode::scratch).value();
  REQUIRE(fill_views(db, World{}));
  REQUIRE(db.run(view_schema()));
  CHECK(load_world(db));
  CHECK(db.exec(sql_text::write_plan, {"a", "b", 7, 1, "c", 5000, "d"}));
  CHECK(db.exec(sql_text::write_plan_line, {"a", "b", "c", "d", "e", 1, 2, 3, 4, "f"}));
  CHECK(db.exec(sql_text::write_plan_work, {"a", "b", "c", "d"}));
  CHECK(db.text(sql_text::last_plan, {"c", 5000}));
}
