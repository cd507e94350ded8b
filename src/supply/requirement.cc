#include "supply/requirement.h"

#include <algorithm>

#include "statement/ids.h"
#include "supply/reasons.h"

namespace hz::supply {

namespace {

constexpr std::size_t references_max = 256;
constexpr int depth_max = 16;

class RequirementReader {
 public:
  Result<Requirement> read(const Toml& node, int depth) {
    if (depth > depth_max)
      return fail(why("supply.limit"), "line {}: a requirement has more than {} levels", node.line, depth_max);
    if (const std::string* reference = node.text()) {
      if (++references_ > references_max)
        return fail(why("supply.limit"), "line {}: a requirement has more than {} references", node.line,
                    references_max);
      HZ_TRY(check_reference(*reference, node.line));
      Requirement leaf;
      leaf.component = *reference;
      leaf.line = node.line;
      return leaf;
    }
    return formula(node, depth);
  }

 private:
  Result<Requirement> formula(const Toml& node, int depth) {
    TomlTable table = HZ_TRY(TomlTable::of(node, "requirement"));
    const Toml* all = table.any("all");
    const Toml* any = table.any("any");
    const Toml* of = table.any("of");
    const Toml* k = table.any("k");
    HZ_TRY(table.done());
    if ((all != nullptr) + (any != nullptr) + (of != nullptr) != 1 || (k != nullptr) != (of != nullptr))
      return fail(why("supply.requirement"), "line {}: exactly one of all, any, or k with of", node.line);
    Requirement out;
    out.line = node.line;
    out.op = all ? Requirement::Op::all : any ? Requirement::Op::any : Requirement::Op::k_of_n;
    const Toml& list = all ? *all : any ? *any : *of;
    const Toml::Array* parts = list.array();
    if (!parts || parts->empty())
      return fail(why("supply.requirement"), "line {}: a formula needs a list with at least one part", list.line);
    for (const Toml& part : *parts) out.parts.push_back(HZ_TRY(read(part, depth + 1)));
    if (k) {
      const std::int64_t* n = k->integer();
      if (!n || *n < 1 || *n > static_cast<std::int64_t>(parts->size()))
        return fail(why("supply.requirement"), "line {}: k should be an integer from 1 to {}", k->line, parts->size());
      out.k = *n;
    }
    return out;
  }

  std::size_t references_ = 0;
};

void add_reference(Facts& out, std::string_view id, std::string_view owner, std::string_view field) {
  out.edges.push_back({std::string(owner), std::string(id), std::string(field)});
  const auto same = [&](const NodeFact& n) { return n.node == id; };
  if (std::any_of(out.nodes.begin(), out.nodes.end(), same)) return;
  NodeFact mention;
  mention.node = std::string(id);
  mention.type = std::string(type_of(id));
  mention.name = std::string(id.substr(id.find(':') + 1));
  if (const std::string version = id_version(id); !version.empty()) {
    mention.version = version;
    mention.name = bare_id(id).substr(id.find(':') + 1);
  }
  mention.mention = true;
  out.nodes.push_back(std::move(mention));
}

void set_op(NodeFact& node, const Requirement& formula) {
  if (formula.op == Requirement::Op::any) node.op = "any";
  if (formula.op == Requirement::Op::k_of_n) {
    node.op = "k_of_n";
    node.k = formula.k;
  }
}

void lower_parts(Facts& out, std::string_view product, const Requirement& formula, std::string_view owner,
                 std::string_view path, std::string_view model_node) {
  for (std::size_t i = 0; i < formula.parts.size(); ++i) {
    const Requirement& part = formula.parts[i];
    const std::string at = path.empty() ? fmt::format("{}", i + 1) : fmt::format("{}.{}", path, i + 1);
    const std::string field = fmt::format("requirement {} (line {})", at, part.line);
    if (part.op == Requirement::Op::leaf) {
      add_reference(out, part.component == "model" ? model_node : std::string_view(part.component), owner, field);
      continue;
    }
    NodeFact gate;
    gate.node = fmt::format("gate:{}/{}", product, at);
    gate.type = "gate";
    gate.name = part.op == Requirement::Op::all   ? "all of"
                : part.op == Requirement::Op::any ? "any of"
                                                  : fmt::format("{} of {}", part.k, part.parts.size());
    set_op(gate, part);
    const std::string id = gate.node;
    out.nodes.push_back(std::move(gate));
    out.edges.push_back({std::string(owner), id, field});
    lower_parts(out, product, part, id, at, model_node);
  }
}

}  // namespace

Result<void> check_reference(std::string_view reference, int line) {
  if (reference == "model") return {};
  const auto refuse = [&](std::string_view why_not) {
    return fail(why("supply.component"), "line {}: \"{}\" {}", line, reference, why_not);
  };
  const std::string_view space = id_namespace(reference);
  const bool known = !type_of(reference).empty() && space != "gate" && space != "bom";
  if (!known) return refuse("has no known namespace");
  const std::string_view name = reference.substr(space.size() + 1);
  if (name.empty() || name.size() > 200) return refuse("needs a name of 1 to 200 characters");
  if (!statement::is_component_id(reference)) return refuse("has a character ids do not have");
  // Another member's site carries its member's name: site:hall-a@hall.example.
  if (const auto at = name.find('@'); space == "site" && at != std::string_view::npos) {
    if (!valid_id(name.substr(0, at)) || at + 1 == name.size())
      return refuse("should be site:<id>@<log of its member>");
    return {};
  }
  const bool short_id = space == "backend" || space == "site" || space == "skill" || space == "product";
  if (short_id && !valid_id(name)) return refuse("should be lower-case letters, digits, '-', '_' and '.'");
  return {};
}

Result<Requirement> parse_requirement(const Toml& node) { return RequirementReader().read(node, 0); }

Facts lower_requirement(std::string_view product, const Requirement& top, std::string_view model_node) {
  Facts out;
  NodeFact node;
  node.node = fmt::format("product:{}", product);
  node.type = "product";
  node.name = std::string(product);
  set_op(node, top);
  const std::string id = node.node;
  out.nodes.push_back(std::move(node));
  if (top.op == Requirement::Op::leaf) {
    Requirement all;
    all.op = Requirement::Op::all;
    all.line = top.line;
    all.parts.push_back(top);
    lower_parts(out, product, all, id, "", model_node);
  } else {
    lower_parts(out, product, top, id, "", model_node);
  }
  return out;
}

}  // namespace hz::supply
