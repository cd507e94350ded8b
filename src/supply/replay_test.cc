#include <doctest/doctest.h>

#include "supply/replay.h"

using namespace hz;
using namespace hz::supply;

namespace {

struct Bench {
  sql::Db db = *sql::Db::open(":memory:", sql::Mode::scratch);
  std::uint8_t next = 0;

  std::string member = "test.example/log";

  Bench() {
    REQUIRE(
        db.run("CREATE TABLE public_alliance_self(member); INSERT INTO public_alliance_self VALUES "
               "('test.example/log')"));
    REQUIRE(db.run(view_schema()));
  }
  statement::Statement statement() {
    statement::Statement s;
    s.id[0] = ++next;
    s.index = next;
    s.origin = s.issuer = member;
    return s;
  }
  void observe(std::string path, Facts facts, std::string kind = "npm_lock", std::string digest = "aa") {
    Observation o;
    o.source = {"deploy", std::move(path), std::move(kind), std::move(digest)};
    o.facts = std::to_string(next);
    o.nodes = facts.nodes;
    o.edges = facts.edges;
    o.model_ops = facts.model_ops;
    o.unknowns = facts.unknowns;
    REQUIRE(replay_observation(db, statement(), o));
  }
  void attribute(std::vector<Attribution> rows, std::string list = "l") {
    EntityList l;
    l.list = std::move(list);
    l.entities = {{"acme", "Acme Ltd", "GB", {}, "s"}, {"deb", "Debian", "US", {}, "s"}};
    l.attributions = std::move(rows);
    REQUIRE(replay_entity_list(db, statement(), l));
  }
  std::vector<std::string> rows(std::string_view query) {
    std::vector<std::string> out;
    const auto r = db.query(query, {}, [&](const sql::Row& row) {
      out.push_back(row.text(0));
      return true;
    });
    if (!r) FAIL(r.error().text());
    return out;
  }
};

NodeFact node(std::string id, std::string type = "package") {
  NodeFact n;
  n.type = std::move(type);
  n.name = id;
  if (const auto v = id_version(id); !v.empty()) n.version = v;
  n.node = std::move(id);
  return n;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("replay: a rescan of a changed file replaces what the file said") {
  Bench b;
  b.observe("lock", {.nodes = {node("npm:a@1"), node("npm:b@1")}, .edges = {{"npm:a@1", "npm:b@1", "dependencies"}}});
  b.observe("other", {.nodes = {node("npm:c@1")}});
  b.observe("lock", {.nodes = {node("npm:a@2")}});
  CHECK(b.rows("SELECT node FROM public_supply_node ORDER BY node") == Texts{"npm:a@2", "npm:c@1"});
  CHECK(b.rows("SELECT node FROM public_supply_edge").empty());
}

TEST_CASE("replay: a source that is gone takes its facts along and nothing else") {
  Bench b;
  b.observe("lock", {.nodes = {node("npm:a@1")}});
  b.observe("other", {.nodes = {node("npm:a@1"), node("npm:c@1")}});
  REQUIRE(replay_gone(b.db, b.statement(), {"deploy", "other", "npm_lock", 0}));
  CHECK(b.rows("SELECT node FROM public_supply_node") == Texts{"npm:a@1"});
  CHECK(b.rows("SELECT path FROM supply_source") == Texts{"lock"});
}

TEST_CASE("views: an exact attribution beats a pattern and the longest pattern beats a shorter one") {
  Bench b;
  b.observe("lock",
            {.nodes = {node("npm:@acme/x@1"), node("npm:@acme/y@1"), node("npm:z@1"), node("service:h", "service")}});
  b.attribute({{"npm:*", "deb", "s"}, {"npm:@acme/*", "acme", "s"}, {"npm:@acme/y", "deb", "s"}});
  CHECK(b.rows("SELECT coalesce(entity, 'none') FROM public_supply_node ORDER BY node") ==
        Texts{"entity:acme", "entity:deb", "entity:deb", "none"});
  CHECK(b.rows("SELECT node FROM public_supply_unknown WHERE what = 'entity'") == Texts{"service:h"});
}

TEST_CASE("views: only * is special in a pattern") {
  Bench b;
  b.observe("h", {.nodes = {node("chip:Model [x] v?2", "chip"), node("chip:Model x v12", "chip")}});
  b.attribute({{"chip:Model [x] v?*", "acme", "s"}});
  CHECK(b.rows("SELECT node FROM public_supply_unknown") == Texts{"chip:Model x v12"});
}

TEST_CASE("views: a file belongs to whom its package belongs, and is not counted unknown by itself") {
  Bench b;
  NodeFact file = node("file:libx.so.1", "file");
  b.observe("/usr/lib/libx.so.1", {.nodes = {file}}, "elf");
  file.within = "deb:x@1";
  b.observe("x", {.nodes = {file, node("deb:x@1")}, .edges = {{"file:libx.so.1", "deb:x@1", "libx1"}}}, "dpkg");
  CHECK(b.rows("SELECT node FROM public_supply_unknown") == Texts{"deb:x@1"});
  b.attribute({{"deb:x", "acme", "s"}});
  CHECK(b.rows("SELECT node FROM public_supply_unknown").empty());
  CHECK(b.rows("SELECT entity || ' ' || entity_source FROM public_supply_node ORDER BY node") ==
        Texts{"entity:acme list", "entity:acme package"});
}

TEST_CASE("views: a BOM's supplier is evidence, not an owner") {
  Bench b;
  NodeFact n = node("npm:a@1");
  n.notes = {{"supplier", "Acme", "declared"}};
  b.observe("bom", {.nodes = {n}}, "cyclonedx");
  CHECK(b.rows("SELECT entity_source FROM public_supply_node") == Texts{"bom-declared"});
  CHECK(b.rows("SELECT why FROM public_supply_unknown") ==
        Texts{"a BOM names a supplier, no entity list maps it to a legal entity"});
}

TEST_CASE("views: a reference without a version needs every version known") {
  Bench b;
  NodeFact mention = node("npm:a");
  mention.mention = true;
  b.observe("p", {.nodes = {node("product:p", "product"), mention}, .edges = {{"product:p", "npm:a", "requirement"}}},
            "manifest");
  CHECK(b.rows("SELECT what FROM public_supply_unknown ORDER BY what") == Texts{"entity", "evidence"});
  b.observe("lock", {.nodes = {node("npm:a@1"), node("npm:a@2")}});
  CHECK(b.rows("SELECT node || '>' || input FROM public_supply_edge ORDER BY 1") ==
        Texts{"npm:a>npm:a@1", "npm:a>npm:a@2", "product:p>npm:a"});
  CHECK(b.rows("SELECT node FROM public_supply_unknown ORDER BY node") == Texts{"npm:a@1", "npm:a@2"});
}

TEST_CASE("replay: a product has one manifest, the newest") {
  Bench b;
  Product p;
  p.id = "p";
  p.source = {"deploy", "old.toml", "manifest", "aa"};
  p.nodes = {node("product:p", "product"), node("gate:p/1", "gate")};
  REQUIRE(replay_product(b.db, b.statement(), p));
  p.source.path = "new.toml";
  p.nodes.pop_back();
  REQUIRE(replay_product(b.db, b.statement(), p));
  CHECK(b.rows("SELECT product FROM public_supply_product") == Texts{"product:p"});
  CHECK(b.rows("SELECT node FROM public_supply_node") == Texts{"product:p"});
  CHECK(b.rows("SELECT path FROM supply_source") == Texts{"new.toml"});
}

TEST_CASE("replay: a newer list with the same id replaces the older one, another id adds to it") {
  Bench b;
  b.observe("lock", {.nodes = {node("npm:a@1")}});
  b.attribute({{"npm:a", "acme", "s"}});
  b.attribute({{"npm:a", "deb", "s"}}, "second");
  CHECK(b.rows("SELECT entity FROM public_supply_node") == Texts{"entity:deb"});
  b.attribute({}, "second");
  CHECK(b.rows("SELECT entity FROM public_supply_node") == Texts{"entity:acme"});
  CHECK(b.rows("SELECT entity FROM public_supply_entity ORDER BY 1") == Texts{"entity:acme", "entity:deb"});
}

TEST_CASE("views: another member's products, finds and lists are not this member's") {
  Bench b;
  b.observe("lock", {.nodes = {node("npm:a@1")}, .edges = {{"npm:a@1", "npm:b@1", "dependencies"}}});
  b.attribute({{"npm:a", "deb", "s"}});
  const auto before = b.rows("SELECT node || entity FROM public_supply_node");
  b.member = "other.example/log";
  b.next = 0;  // the same positions in another log
  b.observe("lock", {.nodes = {node("npm:a@2"), node("npm:z@1")}, .edges = {{"npm:a@2", "npm:z@1", "dependencies"}}});
  b.attribute({{"npm:a", "acme", "s"}});
  CHECK(b.rows("SELECT node || entity FROM public_supply_node") == before);
  CHECK(b.rows("SELECT input FROM public_supply_edge") == Texts{"npm:b@1"});
  CHECK(b.rows("SELECT count(*) FROM supply_source") == Texts{"2"});
  CHECK(b.rows("SELECT entity FROM public_supply_entity") == Texts{"entity:acme", "entity:deb"});
}
