// Facts: what one evidence source says. Parsers return them, statements carry them, replay stores them.
#pragma once
#include <string>
#include <vector>

#include "base/fields.h"

namespace hz::supply {

// One remark about a node, kept as the source wrote it. It never names an owner: only an entity list does.
struct Note {
  std::string key;  // licence, homepage, maintainer, supplier, sha256, path, role ...
  std::string value;
  std::optional<std::string> basis = {};  // declared or inferred, for suppliers
  bool operator==(const Note&) const = default;
  static constexpr auto fields() {
    return rows(row("key", &Note::key, "what the remark is about"),
                row("value", &Note::value, "as the source wrote it"),
                row("basis", &Note::basis, "declared or inferred"));
  }
};

struct NodeFact {
  std::string node;  // id, docs/views.md
  std::string type;  // product model runtime operator_library package driver chip board service site skill gate file
  std::string name;
  std::optional<std::string> version = {};
  std::optional<std::string> op = {};  // all (when absent), any, k_of_n
  std::optional<std::int64_t> k = {};
  std::optional<std::string> within =
      {};                // the package that ships this file: whoever the package belongs to, the file does
  bool mention = false;  // the source only names the node; it is no evidence that the node exists
  std::vector<Note> notes = {};
  bool operator==(const NodeFact&) const = default;
  static constexpr auto fields() {
    return rows(row("node", &NodeFact::node, "component id"), row("type", &NodeFact::type, "component type"),
                row("name", &NodeFact::name, "name shown to people"), row("version", &NodeFact::version, "version"),
                row("op", &NodeFact::op, "all, any or k_of_n over the inputs"), row("k", &NodeFact::k, "for k_of_n"),
                row("within", &NodeFact::within, "package that ships this file"),
                row("mention", &NodeFact::mention, "named only, not seen", or_default),
                row("notes", &NodeFact::notes, "remarks of the source"));
  }
};

struct EdgeFact {
  std::string node;   // needs
  std::string input;  // this
  std::string field;  // where in the source it says so
  bool operator==(const EdgeFact&) const = default;
  static constexpr auto fields() {
    return rows(row("node", &EdgeFact::node, "component that needs"),
                row("input", &EdgeFact::input, "component needed"),
                row("field", &EdgeFact::field, "place in the source"));
  }
};

struct ModelOp {
  std::string op_type;
  std::string domain;  // "" is ai.onnx
  std::int64_t opset = 0;
  std::int64_t count = 0;
  bool operator==(const ModelOp&) const = default;
  static constexpr auto fields() {
    return rows(row("op_type", &ModelOp::op_type, "operator"), row("domain", &ModelOp::domain, "operator domain"),
                row("opset", &ModelOp::opset, "opset version the model imports"),
                row("count", &ModelOp::count, "nodes of this type"));
  }
};

struct UnknownFact {
  std::string node;
  std::string what;  // version, completeness, dependencies, library ...
  std::string why;
  bool operator==(const UnknownFact&) const = default;
  static constexpr auto fields() {
    return rows(row("node", &UnknownFact::node, "component"), row("what", &UnknownFact::what, "what is not known"),
                row("why", &UnknownFact::why, "why it is not known"));
  }
};

struct Facts {
  std::vector<NodeFact> nodes = {};
  std::vector<EdgeFact> edges = {};
  std::vector<ModelOp> model_ops = {};  // of the one model node among `nodes`
  std::vector<UnknownFact> unknowns = {};
  bool operator==(const Facts&) const = default;
  bool empty() const { return nodes.empty() && edges.empty() && unknowns.empty(); }
};

// "npm:@scope/name@1.2" -> "npm:@scope/name": what entity lists match. Ids without a version come back whole.
std::string bare_id(std::string_view node);
// The text with every byte that ids do not carry (docs/views.md, statement/ids.h) as %XX.
std::string id_text(std::string text);
// The version in an id, or "".
std::string id_version(std::string_view node);
// "npm" of "npm:left-pad@1"; "" when there is no colon.
std::string_view id_namespace(std::string_view node);
// The component type of an id's namespace, or "" for a namespace we do not know.
std::string_view type_of(std::string_view node);

}  // namespace hz::supply
