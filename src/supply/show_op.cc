#include <algorithm>

#include "api/op.h"
#include "sql/db.h"
#include "supply/facts.h"
#include "supply/reasons.h"
#include "supply/sql_text.h"

namespace hz::supply {
namespace {

struct ShowIn {
  std::string node;
  static constexpr auto fields() {
    return rows(row("node", &ShowIn::node, "component id, with or without version; model:<file name> works too"));
  }
};
struct Link {
  std::string node, file, field, statement;
  static constexpr auto fields() {
    return rows(row("node", &Link::node, "the other component"), row("file", &Link::file, "evidence: file"),
                row("field", &Link::field, "evidence: place in it"),
                row("statement", &Link::statement, "statement id"));
  }
};
struct Witness {
  std::string kind, path, digest;
  std::int64_t observed_ms = 0;
  bool mention = false;
  std::string statement;
  static constexpr auto fields() {
    return rows(
        row("kind", &Witness::kind, "how it was read"), row("path", &Witness::path, "file"),
        row("digest", &Witness::digest, "SHA-256 of the bytes"), row("observed_ms", &Witness::observed_ms, "when"),
        row("mention", &Witness::mention, "names it, no more"), row("statement", &Witness::statement, "statement id"));
  }
};
struct Shown {
  std::string node, type, name, version, op;
  std::int64_t k = 0;
  std::string entity, entity_name, jurisdiction, entity_source;
  std::vector<Note> notes;
  std::vector<Link> needs, needed_by;
  std::vector<Witness> evidence;
  static constexpr auto fields() {
    return rows(row("node", &Shown::node, "component id"), row("type", &Shown::type, "component type"),
                row("name", &Shown::name, "name"), row("version", &Shown::version, "version, or unknown"),
                row("op", &Shown::op, "all, any or k_of_n"), row("k", &Shown::k, "for k_of_n"),
                row("entity", &Shown::entity, "entity id, or unknown"),
                row("entity_name", &Shown::entity_name, "legal name, or unknown"),
                row("jurisdiction", &Shown::jurisdiction, "or unknown"),
                row("entity_source", &Shown::entity_source, "list, package, bom-declared or unknown"),
                row("notes", &Shown::notes, "what sources remark"), row("needs", &Shown::needs, "what it needs"),
                row("needed_by", &Shown::needed_by, "what needs it"),
                row("evidence", &Shown::evidence, "where it was seen"));
  }
};
struct ShowOut {
  std::vector<Shown> nodes;
  static constexpr auto fields() { return rows(row("nodes", &ShowOut::nodes, "one per version known")); }
};

Result<std::vector<Link>> links(sql::Db& views, std::string_view query, const std::string& node) {
  std::vector<Link> out;
  HZ_TRY(views.query(query, {node}, [&](const sql::Row& r) {
    out.push_back({r.text(0), r.text(1), r.text(2), r.text(3)});
    return true;
  }));
  return out;
}

Result<Shown> read(sql::Db& views, const std::string& node) {
  Shown out;
  HZ_TRY(views.query(sql_text::show_node, {node}, [&](const sql::Row& r) {
    out = {r.text(0), r.text(1), r.text(2), r.text(3), r.text(4), r.integer(5), r.text(6),
           "unknown", "unknown", r.text(7), {},        {},        {},           {}};
    return false;
  }));
  HZ_TRY(views.query(sql_text::entity_of, {out.entity}, [&](const sql::Row& r) {
    out.entity_name = r.text(0);
    out.jurisdiction = r.text(1);
    return false;
  }));
  HZ_TRY(views.query(sql_text::node_notes, {node}, [&](const sql::Row& r) {
    out.notes.push_back({r.text(0), r.text(1), {}});
    if (const std::string basis = r.text(2); !basis.empty()) out.notes.back().basis = basis;
    return true;
  }));
  HZ_TRY(views.query(sql_text::node_evidence, {node}, [&](const sql::Row& r) {
    out.evidence.push_back({r.text(0), r.text(1), r.text(2), r.integer(3), r.integer(5) != 0, r.text(4)});
    return true;
  }));
  out.needs = HZ_TRY(links(views, sql_text::node_needs, node));
  out.needed_by = HZ_TRY(links(views, sql_text::node_needed_by, node));
  return out;
}

Result<ShowOut> show(api::Ctx& ctx, const ShowIn& in) {
  sql::Db* views = HZ_TRY(HZ_TRY(ctx.member())->views());
  std::vector<std::string> nodes;
  const auto collect = [&](const sql::Row& r) {
    nodes.push_back(r.text(0));
    return true;
  };
  HZ_TRY(views->query(sql_text::show_node, {in.node}, collect));
  if (nodes.empty()) HZ_TRY(views->query(sql_text::nodes_like, {in.node, in.node}, collect));
  if (nodes.empty()) return fail(why("supply.no_node"), "{}", in.node);
  ShowOut out;
  for (const std::string& node : nodes) out.nodes.push_back(HZ_TRY(read(*views, node)));
  return out;
}

std::string links_text(std::string_view title, const std::vector<Link>& links, const api::Style& style) {
  if (links.empty()) return {};
  std::vector<std::vector<std::string>> rows = {{fmt::format("  {}", title), "evidence", "place"}};
  for (const Link& link : links) rows.push_back({"  " + link.node, link.file, link.field});
  return "\n" + api::table(rows, style);
}

std::string text(const ShowOut& out, const api::Style& style) {
  std::string s;
  for (const Shown& n : out.nodes) {
    if (!s.empty()) s += "\n";
    s += fmt::format("{}  {}, {}\n", style.bold(n.node), n.type, n.name);
    if (n.op != "all") s += fmt::format("  needs      {}\n", n.op == "any" ? "any of" : fmt::format("{} of", n.k));
    s += fmt::format("  entity     {}{}\n", n.entity,
                     n.entity == "unknown"
                         ? fmt::format(" ({})", n.entity_source)
                         : fmt::format(" ({}, {}; by {})", n.entity_name, n.jurisdiction, n.entity_source));
    for (const Note& note : n.notes)
      s += fmt::format("  {:<10} {}{}\n", note.key, note.value, note.basis ? fmt::format(" ({})", *note.basis) : "");
    s += links_text("needs", n.needs, style) + links_text("needed by", n.needed_by, style);
    s += "\n";
    for (const Witness& w : n.evidence)
      s += fmt::format("  {} {} [{}] {} statement {}\n", w.mention ? "named in" : "seen in", w.path, w.kind,
                       utc_text(w.observed_ms), w.statement.substr(0, 16));
  }
  return s;
}

}  // namespace

std::span<const api::Op> show_ops() {
  static const api::Op table[] = {
      api::op<&show>({.id = "supply.show",
                      .http = "GET /v1/supply/nodes/{node}",
                      .cli = "supply show <node>",
                      .fails = {"supply.no_node"},
                      .doc = "One component: whose it is, what it needs, what needs it, and the evidence.",
                      .example = "hezong supply show backend:ort"}),
  };
  return table;
}

}  // namespace hz::supply
