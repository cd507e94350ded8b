// Operations on routes: where the gateway sends the requests of a product.
#include <fmt/ranges.h>

#include <charconv>

#include "pool/gate_table.h"
#include "pool/kinds.h"
#include "pool/ops.h"
#include "pool/reasons.h"
#include "pool/rules.h"

namespace hz::pool {
namespace {

// "claim,site:x,backend:y" or "claim,site:x,backend:y,3". What is wrong with the parts is said by check().
Result<Target> parse_target(std::string_view text) {
  std::vector<std::string_view> parts;
  for (std::string_view rest = text;;) {
    const auto comma = rest.find(',');
    parts.push_back(rest.substr(0, comma));
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  if (parts.size() < 3 || parts.size() > 4) return fail(why("pool.claim_id"), "\"{}\"", text);
  Target out{std::string(parts[0]), std::string(parts[1]), std::string(parts[2]), 1};
  if (parts.size() == 4) {
    const auto [end, error] = std::from_chars(parts[3].data(), parts[3].data() + parts[3].size(), out.weight);
    if (error != std::errc{} || end != parts[3].data() + parts[3].size())
      return fail(why("pool.weight"), "\"{}\" of {}", parts[3], out.claim);
  }
  return out;
}

struct RouteSet {
  std::string product;
  std::vector<std::string> target, evidence;
  std::string reason;
  std::int64_t deadline_ms = 60'000;
  static constexpr auto fields() {
    return rows(row("product", &RouteSet::product, "product:<id>"),
                row("target", &RouteSet::target, "CLAIM,SITE,BACKEND or CLAIM,SITE,BACKEND,WEIGHT; weight 0: a spare"),
                row("evidence", &RouteSet::evidence, "statement id, hex, that shows these give the product's answers"),
                row("reason", &RouteSet::reason, "why, in a few words", or_default),
                row("deadline_ms", &RouteSet::deadline_ms,
                    "how long a request may wait for its answer, all tries together; 60000 when absent", or_default));
  }
};
struct RouteSaid {
  Route route;
  alliance::Receipt receipt;
  static constexpr auto fields() {
    return rows(row("route", &RouteSaid::route, "what was signed"),
                row("receipt", &RouteSaid::receipt, "where it stands"));
  }
};

Result<RouteSaid> route_set(api::Ctx& ctx, const RouteSet& in) {
  Route route{in.product, {}, in.evidence, in.reason, in.deadline_ms};
  for (const std::string& text : in.target) route.targets.push_back(HZ_TRY(parse_target(text)));
  HZ_TRY(check(route));
  if (route.targets.empty()) return fail(why("pool.no_target"), "{}", route.product);
  alliance::Member& member = *HZ_TRY(ctx.member());
  return RouteSaid{route, HZ_TRY(member.append(alliance::draft(route)))};
}

std::string text(const RouteSaid& out, const api::Style& style) {
  if (out.route.targets.empty())
    return fmt::format("{} {}: requests for it find nothing now\nstatement {}\n", style.green("cleared"),
                       out.route.product, out.receipt.id);
  std::vector<std::vector<std::string>> cells{{"claim", "site", "backend", "weight"}};
  for (const Target& t : out.route.targets) cells.push_back({t.claim, t.site, t.backend, std::to_string(t.weight)});
  return fmt::format("{} {}\n{}statement {}\n", style.green("routed"), out.route.product, api::table(cells, style),
                     out.receipt.id);
}

struct RouteClear {
  std::string product, reason;
  static constexpr auto fields() {
    return rows(row("product", &RouteClear::product, "product:<id>"),
                row("reason", &RouteClear::reason, "why, in a few words", or_default));
  }
};

Result<RouteSaid> route_clear(api::Ctx& ctx, const RouteClear& in) {
  Route route;
  route.product = in.product;
  route.reason = in.reason;
  HZ_TRY(check(route));
  alliance::Member& member = *HZ_TRY(ctx.member());
  const GateTable now = HZ_TRY(read_gate_table(*HZ_TRY(member.views()), member.id()));
  if (!now.routes.contains(in.product)) return fail(why("pool.no_route"), "{}", in.product);
  return RouteSaid{route, HZ_TRY(member.append(alliance::draft(route)))};
}

struct RouteList {
  static constexpr auto fields() { return rows(); }
};
struct RouteRow {
  Route route;
  std::string statement;
  static constexpr auto fields() {
    return rows(row("route", &RouteRow::route, "what was signed"),
                row("statement", &RouteRow::statement, "statement id, hex"));
  }
};
struct RoutesOut {
  std::vector<RouteRow> routes;
  alliance::Frontier frontier;
  static constexpr auto fields() {
    return rows(row("routes", &RoutesOut::routes, "by product"), row("frontier", &RoutesOut::frontier, "as of"));
  }
};

Result<RoutesOut> route_list(api::Ctx& ctx, const RouteList&) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  const GateTable now = HZ_TRY(read_gate_table(*HZ_TRY(member.views()), member.id()));
  RoutesOut out{{}, member.frontier()};
  for (const auto& [product, routed] : now.routes) out.routes.push_back({routed.route, routed.statement});
  return out;
}

std::string text(const RoutesOut& out, const api::Style& style) {
  if (out.routes.empty()) return "no product has a route\nas of frontier " + out.frontier.digest + "\n";
  std::vector<std::vector<std::string>> cells{{"product", "claim", "site", "backend", "weight", "reason"}};
  for (const RouteRow& one : out.routes)
    for (const Target& t : one.route.targets)
      cells.push_back({one.route.product, t.claim, t.site, t.backend, std::to_string(t.weight),
                       one.route.reason.empty() ? "-" : one.route.reason});
  return fmt::format("{}as of frontier {}\n", api::table(cells, style), out.frontier.digest);
}

}  // namespace

std::span<const api::Op> route_ops() {
  static const api::Op table[] = {
      api::op<&route_set>(
          {.id = "pool.route_set",
           .http = "POST /v1/pool/routes",
           .cli = "pool route set <product>",
           .may = api::May::author,
           .emits = {"pool.route"},
           .fails = {"pool.product_id", "pool.site_id", "pool.claim_id", "pool.weight", "pool.target_twice",
                     "pool.evidence_id", "pool.reason", "pool.deadline", "pool.no_target"},
           .doc = "Say which model servers a product's requests go to.",
           .example = "hezong pool route set product:glyph --target c1,site:hz1,backend:refrt,3 --target "
                      "c2,site:hz2,backend:opencv",
           .more = "Replaces the product's route as a whole. A running node takes it over within a second, without "
                   "dropping a connection; running requests end where they began. A target takes requests while the "
                   "site that runs it says so in serving/ (docs/formats/gateway.md)."}),
      api::op<&route_list>({.id = "pool.route_list",
                            .http = "GET /v1/pool/routes",
                            .cli = "pool route list",
                            .may = api::May::reader,
                            .doc = "Show where the requests of each product go.",
                            .example = "hezong pool route list"}),
      api::op<&route_clear>({.id = "pool.route_clear",
                             .http = "POST /v1/pool/routes/clear",
                             .cli = "pool route clear <product>",
                             .may = api::May::author,
                             .emits = {"pool.route"},
                             .fails = {"pool.product_id", "pool.reason", "pool.no_route"},
                             .doc = "End the serving of a product.",
                             .example = "hezong pool route clear product:glyph --reason retired"}),
  };
  return table;
}

}  // namespace hz::pool
