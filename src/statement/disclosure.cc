// The text form of a disclosure: canonical JSON {"fields":[{"index","path","proof","salt","value"}],"size":n}.
#include <bit>

#include "statement/canonical.h"
#include "statement/field_tree.h"
#include "statement/ids.h"
#include "statement/reasons.h"

namespace hz::statement {
namespace {

bool is_hex_of(std::string_view text, std::size_t bytes) {
  return text.size() == 2 * bytes && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::unexpected<Error> refuse(std::string_view where, std::string_view what) {
  return fail(why("statement.disclosure"), "{} {}", where, what);
}

Result<ShownField> read_field(const json::Value& item, const std::string& where, std::int64_t size) {
  const json::Object* members = item.object();
  if (!members || members->size() != 5) return refuse(where, "should have index, path, proof, salt and value");
  const json::Value* index = item.find("index");
  const json::Value* proof = item.find("proof");
  const json::Value* value = item.find("value");
  if (!index || !index->integer() || *index->integer() < 0 || *index->integer() >= size)
    return refuse(where, "index should be below size");
  if (!proof || !proof->array() || proof->array()->size() != std::bit_width(static_cast<std::uint64_t>(size)) - 1u)
    return refuse(where, "proof should have one hash per level");
  const bool scalar =
      value && (!value->object() || value->object()->empty()) && (!value->array() || value->array()->empty());
  if (!scalar) return refuse(where, "value should be a scalar, or an empty list or object");
  ShownField out{std::string(item.text("path")), *value, std::string(item.text("salt")), *index->integer(), {}};
  if (out.path.empty() || !is_hex_of(out.salt, 16))
    return refuse(where, "should have a path and a salt of 32 hex digits");
  for (const json::Value& hash : *proof->array()) {
    if (!hash.string() || !is_sha256(*hash.string())) return refuse(where, "proof should list 64 hex digits each");
    out.proof.push_back(*hash.string());
  }
  return out;
}

}  // namespace

Result<std::string> format_disclosure(const Disclosure& disclosure) {
  json::Array fields;
  for (const ShownField& field : disclosure.shown) {
    json::Value item;
    item.set("index", field.index).set("path", field.path).set("proof", to_json(field.proof));
    item.set("salt", field.salt).set("value", field.value);
    fields.push_back(std::move(item));
  }
  json::Value out;
  out.set("fields", std::move(fields)).set("size", disclosure.size);
  return canonical(out);
}

Result<Disclosure> parse_disclosure(std::string_view text) {
  if (text.size() > disclosure_size_max)
    return fail(hz::why("base.too_large"), "{} bytes of disclosure, limit {}", text.size(), disclosure_size_max);
  const json::Value root = HZ_TRY(parse_canonical(text));
  const json::Value* size = root.find("size");
  const json::Value* fields = root.find("fields");
  if (!root.object() || root.object()->size() != 2 || !size || !size->integer() || !fields || !fields->array())
    return refuse("$", "should have fields and size");
  Disclosure out{*size->integer(), {}};
  if (out.size < 8 || out.size > static_cast<std::int64_t>(tree_fields_max) ||
      !std::has_single_bit(static_cast<std::uint64_t>(out.size)))
    return refuse("$.size", "should be a power of two from 8 to 512");
  if (fields->array()->empty() || fields->array()->size() > static_cast<std::size_t>(out.size))
    return refuse("$.fields", "should list 1 to size fields");
  for (std::size_t i = 0; i < fields->array()->size(); ++i) {
    out.shown.push_back(HZ_TRY(read_field((*fields->array())[i], fmt::format("$.fields[{}]", i), out.size)));
    if (i > 0 && out.shown[i - 1].path >= out.shown[i].path)
      return refuse("$.fields", "should stand in the order of paths");
  }
  return out;
}

}  // namespace hz::statement
