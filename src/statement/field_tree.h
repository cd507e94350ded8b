// A commitment to the fields of a body that lets its holder show some and hide the rest.
//
// A hash of the whole body proves all or nothing. So each field becomes a leaf of an RFC 6962 tree, and the root is the
// commitment: a field is shown with its inclusion path. Three leaks are closed. A bare leaf could be guessed (prices
// and names have little entropy): each leaf begins with 16 secret bytes of its own. The number of leaves would tell the
// number of fields: pads fill the tree up to a power of two, at least 8, and look like leaves. The position would tell
// where a path sorts among the hidden ones: leaves stand in the order of their hashes, which the secrets decide.
//
// The tree does not stop an author from committing to two values of one path. Whoever opens the whole body computes the
// root from it and notices; whoever is shown single fields cannot (docs/decisions/0091).
#pragma once
#include <array>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/fields.h"

namespace hz::statement {

using Salt = std::array<std::uint8_t, 32>;

inline constexpr std::size_t tree_fields_max = 512;

// A scalar, empty list or empty object of a body. Path: "a.b[2].c"; keys are [A-Za-z0-9_]+, so it has one reading.
struct BodyField {
  std::string path;
  json::Value value;
};
// In order of the document. Empty bodies have none.
std::vector<BodyField> fields_of(const json::Value& body);

// One field with what proves it.
struct ShownField {
  std::string path;
  json::Value value;
  std::string salt;  // 16 bytes, hex: of this leaf only
  std::int64_t index = 0;
  std::vector<std::string> proof;  // hex, from the leaf's sibling up
};

struct Disclosure {
  std::int64_t size = 0;  // leaves of the tree, pads included
  std::vector<ShownField> shown;
};

// The tree of a body under its salt. Pure: the same pair gives the same tree.
class FieldTree {
 public:
  // Errors: statement.not_canonical; base.too_large when the body has more than tree_fields_max fields.
  static Result<FieldTree> of(const json::Value& body, const Salt& salt);
  const Digest& root() const { return levels_.back().front(); }
  // Every field at a path or below it: "a" shows a.b and a[0]. Errors: statement.no_field when a path has none.
  Result<Disclosure> show(std::span<const std::string> paths) const;

 private:
  struct Place {
    std::string path;
    json::Value value;
    std::array<std::uint8_t, 16> salt;
    std::uint64_t index = 0;
  };
  std::vector<Place> places_;
  std::vector<std::vector<Digest>> levels_;  // leaf hashes first
};

// Canonical JSON. Errors: statement.not_canonical.
Result<std::string> format_disclosure(const Disclosure& disclosure);
// Accepts exactly what format_disclosure makes, within limits. Errors: statement.disclosure, statement.not_canonical.
inline constexpr std::size_t disclosure_size_max = 1 << 20;
Result<Disclosure> parse_disclosure(std::string_view text);

// Every shown field stands in the tree with this root. Errors: statement.disclosure, statement.disclosure_wrong.
Result<void> check_disclosure(const Disclosure& disclosure, const Digest& root);

}  // namespace hz::statement
