#include "statement/field_tree.h"

#include <algorithm>
#include <bit>

#include "crypto/hkdf.h"
#include "crypto/merkle.h"
#include "statement/canonical.h"
#include "statement/reasons.h"

namespace hz::statement {
namespace {

constexpr std::string_view field_info = "hezong/field/v1";
constexpr std::string_view pad_info = "hezong/pad/v1";
constexpr std::size_t tree_size_min = 8;
constexpr std::array<std::uint8_t, 1> zero{};

std::array<std::uint8_t, 16> leaf_salt(const Salt& salt, std::string_view info, ByteView which) {
  const Digest full = crypto::hmac_sha256(salt, {as_bytes(info), zero, which});
  std::array<std::uint8_t, 16> out;
  std::copy_n(full.begin(), out.size(), out.begin());
  return out;
}

Result<Digest> field_leaf(ByteView salt, std::string_view path, const json::Value& value) {
  Bytes leaf(salt.begin(), salt.end());
  put(leaf, as_bytes(HZ_TRY(canonical(json::Value(json::Array{json::Value(path), value})))));
  return crypto::leaf_hash(leaf);
}

void walk(const json::Value& value, const std::string& path, std::vector<BodyField>& out) {
  if (const json::Object* object = value.object(); object && !object->empty()) {
    for (const auto& [key, item] : *object) walk(item, path.empty() ? key : path + "." + key, out);
  } else if (const json::Array* array = value.array(); array && !array->empty()) {
    for (std::size_t i = 0; i < array->size(); ++i) walk((*array)[i], fmt::format("{}[{}]", path, i), out);
  } else if (!path.empty()) {
    out.push_back({path, value});
  }
}

bool is_at_or_below(std::string_view path, std::string_view asked) {
  return path.starts_with(asked) &&
         (path.size() == asked.size() || path[asked.size()] == '.' || path[asked.size()] == '[');
}

}  // namespace

std::vector<BodyField> fields_of(const json::Value& body) {
  std::vector<BodyField> out;
  walk(body, "", out);
  return out;
}

Result<FieldTree> FieldTree::of(const json::Value& body, const Salt& salt) {
  std::vector<BodyField> fields = fields_of(body);
  if (fields.size() > tree_fields_max)
    return fail(hz::why("base.too_large"), "{} fields, at most {} in a tree", fields.size(), tree_fields_max);
  FieldTree out;
  std::vector<Digest> leaves, of_field;
  for (BodyField& field : fields) {
    const auto own = leaf_salt(salt, field_info, as_bytes(field.path));
    leaves.push_back(HZ_TRY(field_leaf(own, field.path, field.value)));
    out.places_.push_back({std::move(field.path), std::move(field.value), own, 0});
  }
  of_field = leaves;
  const std::size_t size = std::max(tree_size_min, std::bit_ceil(leaves.size()));
  for (std::uint32_t i = 0; leaves.size() < size; ++i) {
    Bytes which;
    put_be(which, i);
    leaves.push_back(crypto::leaf_hash(leaf_salt(salt, pad_info, which)));
  }
  std::sort(leaves.begin(), leaves.end());
  for (std::size_t i = 0; i < of_field.size(); ++i)
    out.places_[i].index =
        static_cast<std::uint64_t>(std::lower_bound(leaves.begin(), leaves.end(), of_field[i]) - leaves.begin());
  out.levels_.push_back(std::move(leaves));
  while (out.levels_.back().size() > 1) {
    std::vector<Digest> above;
    for (std::size_t i = 0; i < out.levels_.back().size(); i += 2)
      above.push_back(crypto::node_hash(out.levels_.back()[i], out.levels_.back()[i + 1]));
    out.levels_.push_back(std::move(above));
  }
  return out;
}

Result<Disclosure> FieldTree::show(std::span<const std::string> paths) const {
  Disclosure out;
  out.size = static_cast<std::int64_t>(levels_.front().size());
  std::map<std::string_view, const Place*> chosen;
  for (const std::string& path : paths) {
    bool found = false;
    for (const Place& place : places_)
      if (is_at_or_below(place.path, path)) {
        chosen.emplace(place.path, &place);
        found = true;
      }
    if (!found) return fail(why("statement.no_field"), "\"{}\"", path);
  }
  for (const auto& [path, place] : chosen) {
    ShownField field{place->path, place->value, hex(place->salt), static_cast<std::int64_t>(place->index), {}};
    const auto node = [&](crypto::Node n) -> Result<Digest> { return levels_[n.level][n.index]; };
    for (const Digest& hash : HZ_TRY(crypto::inclusion_proof(place->index, levels_.front().size(), node)))
      field.proof.push_back(hex(hash));
    out.shown.push_back(std::move(field));
  }
  return out;
}

Result<void> check_disclosure(const Disclosure& disclosure, const Digest& root) {
  const auto size = static_cast<std::uint64_t>(disclosure.size);
  for (const ShownField& field : disclosure.shown) {
    const Bytes salt = HZ_TRY(parse_hex(field.salt));
    std::vector<Digest> proof;
    for (const std::string& hash : field.proof) proof.push_back(HZ_TRY(parse_digest(hash)));
    const Digest leaf = HZ_TRY(field_leaf(salt, field.path, field.value));
    if (!crypto::verify_inclusion(leaf, static_cast<std::uint64_t>(field.index), size, proof, root))
      return fail(why("statement.disclosure_wrong"), "{} does not lead to {}", field.path, hex(root));
  }
  return {};
}

}  // namespace hz::statement
