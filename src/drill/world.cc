#include "drill/world.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "drill/sql_text.h"
#include "sql/db.h"

namespace hz::drill {
namespace {

// Ids with their namespace, whether or not the owner of the view wrote it.
std::string with_prefix(std::string_view prefix, std::string text) {
  if (text.empty() || text == "unknown") return {};
  return text.starts_with(prefix) ? text : std::string(prefix) + text;
}
std::string without_prefix(std::string_view prefix, std::string text) {
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

template <class T, class Make>
Result<std::vector<T>> rows_of(sql::Db& views, std::string_view query, Make make) {
  std::vector<T> out;
  HZ_TRY(views.query(query, {}, [&](const sql::Row& row) {
    out.push_back(make(row));
    return true;
  }));
  return out;
}

// A manifest that says site:x means this member's own site x, else the one member's that has it. Two members with such
// a site: nobody guesses, the name stays a place nobody described (docs/decisions/0108).
void place_sites(World& w) {
  std::map<std::string, std::set<std::string>, std::less<>> named;  // "site:x" -> ids that may be meant
  for (const Site& site : w.sites) named[site.id.substr(0, site.id.find('@'))].insert(site.id);
  std::map<std::string, std::string, std::less<>> meant;
  std::set<std::string> unclear;
  for (const Edge& edge : w.edges) {
    const auto found = named.find(edge.input);
    if (found == named.end() || found->second.contains(edge.input)) continue;  // nobody has it, or it is this member's
    if (found->second.size() == 1)
      meant.emplace(edge.input, *found->second.begin());
    else if (unclear.insert(edge.input).second)
      w.unknowns.push_back({edge.input, "site",
                            fmt::format("{} members have a site of this name; write site:<id>@<log of its member>",
                                        found->second.size()),
                            edge.statement});
  }
  if (meant.empty()) return;
  for (Edge& edge : w.edges)
    if (const auto to = meant.find(edge.input); to != meant.end()) edge.input = to->second;
  for (Node& node : w.nodes)
    if (const auto to = meant.find(node.id); to != meant.end()) node.id = to->second;
  // As the queries order them.
  std::ranges::sort(w.nodes, {}, [](const Node& n) { return std::tie(n.id, n.statement); });
  std::ranges::sort(w.edges, {}, [](const Edge& e) {
    return std::tuple<std::string_view, std::string_view, std::int64_t, std::string_view, std::string_view>(
        e.node, e.input, -e.observed_ms, e.statement, e.field);
  });
}

}  // namespace

Result<World> load_world(sql::Db& views) {
  World w;
  w.entities = HZ_TRY(rows_of<Entity>(views, sql_text::read_entities, [](const sql::Row& r) {
    return Entity{with_prefix("entity:", r.text(0)), r.text(1), r.text(2), r.text(3)};
  }));
  w.holdings = HZ_TRY(rows_of<Holding>(views, sql_text::read_holdings, [](const sql::Row& r) {
    return Holding{with_prefix("entity:", r.text(0)), with_prefix("entity:", r.text(1)), r.integer(2), r.text(3)};
  }));
  w.nodes = HZ_TRY(rows_of<Node>(views, sql_text::read_nodes, [](const sql::Row& r) {
    return Node{r.text(0), r.text(1), r.text(2), r.text(3), r.text(4), r.integer(5), with_prefix("entity:", r.text(6)),
                r.text(7), r.text(8)};
  }));
  w.edges = HZ_TRY(rows_of<Edge>(views, sql_text::read_edges, [](const sql::Row& r) {
    return Edge{r.text(0), r.text(1), r.text(2), r.text(3), r.text(4), r.integer(5), r.text(6)};
  }));
  w.products = HZ_TRY(rows_of<Product>(views, sql_text::read_products, [](const sql::Row& r) {
    return Product{without_prefix("product:", r.text(0)),
                   r.text(1),
                   r.text(2),
                   without_prefix("model:", r.text(3)),
                   with_prefix("backend:", r.text(4)),
                   r.text(5),
                   r.integer(6),
                   r.integer(7),
                   r.integer(8),
                   r.text(9)};
  }));
  w.model_ops = HZ_TRY(rows_of<ModelOp>(views, sql_text::read_model_ops, [](const sql::Row& r) {
    return ModelOp{without_prefix("model:", r.text(0)), r.text(1), r.text(2), r.integer(3), r.integer(4)};
  }));
  w.unknowns = HZ_TRY(rows_of<Unknown>(views, sql_text::read_unknowns, [](const sql::Row& r) {
    return Unknown{r.text(0), r.text(1), r.text(2), r.text(3)};
  }));
  w.model_results = HZ_TRY(rows_of<ModelResult>(views, sql_text::read_model_results, [](const sql::Row& r) {
    return ModelResult{without_prefix("model:", r.text(0)),
                       with_prefix("backend:", r.text(1)),
                       r.text(2),
                       r.integer(3),
                       r.integer(4),
                       r.text(5),
                       r.text(6),
                       r.text(7),
                       r.integer(8),
                       r.text(9),
                       r.text(10)};
  }));
  w.operator_results = HZ_TRY(rows_of<OperatorResult>(views, sql_text::read_operator_results, [](const sql::Row& r) {
    return OperatorResult{r.text(0), r.text(1),    r.text(2),    r.integer(3), with_prefix("backend:", r.text(4)),
                          r.text(5), r.integer(6), r.integer(7), r.text(8)};
  }));
  w.releases = HZ_TRY(rows_of<Release>(views, sql_text::read_releases, [](const sql::Row& r) {
    return Release{without_prefix("model:", r.text(0)), r.text(1), r.text(2), r.text(3), r.text(4)};
  }));
  w.sites = HZ_TRY(rows_of<Site>(views, sql_text::read_sites, [](const sql::Row& r) {
    return Site{with_prefix("site:", r.text(0)),
                r.text(1),
                with_prefix("entity:", r.text(2)),
                r.text(3),
                with_prefix("backend:", r.text(4)),
                r.integer(5),
                r.integer(6),
                r.integer(7),
                r.integer(8),
                r.text(9),
                r.text(10)};
  }));
  w.needs = HZ_TRY(rows_of<Need>(views, sql_text::read_needs, [](const sql::Row& r) {
    return Need{r.text(0), r.text(1), r.integer(2), r.integer(3), r.integer(4), r.text(5)};
  }));
  place_sites(w);
  return w;
}

bool proves(std::string_view verdict) { return verdict == "STRICT" || verdict == "BASIC_ONLY"; }

const ModelResult* find_result(const World& world, std::string_view model, std::string_view backend) {
  for (const ModelResult& r : world.model_results)
    if (r.model == model && r.backend == backend) return &r;
  return nullptr;
}

}  // namespace hz::drill
