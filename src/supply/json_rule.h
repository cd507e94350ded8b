// What a JSON value must be: the part of JSON Schema (draft 7) that decides about CycloneDX documents.
//
// Rules are read once from spec/cyclonedx/rules.json, which tools/cyclonedx_rules.py makes from the specification's
// schemas; the form is docs/formats/bom_rules.md. ruled_json.h checks a text against them while it is read.
#pragma once
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "supply/json_words.h"

namespace hz::supply {

// A fast hash of a text; equal texts give equal hashes within one process.
std::uint64_t text_hash(std::string_view text);

// A set of words with their positions: one probe to find one. Empty finds nothing.
class WordTable {
 public:
  WordTable() = default;
  explicit WordTable(std::vector<std::string> words);
  std::optional<std::size_t> find(std::string_view word, std::uint64_t hash) const;
  const std::vector<std::string>& words() const { return words_; }
  bool empty() const { return words_.empty(); }

 private:
  std::vector<std::string> words_;
  std::vector<std::uint16_t> slots_;  // position + 1, or 0
};

struct Rule {
  enum Type : unsigned { null = 1, boolean = 2, integer = 4, number = 8, string = 16, array = 32, object = 64 };
  // Which members must be there together. Masks are over `members`.
  struct Presence {
    enum class How {
      one,      // exactly one of the masks is there whole
      any,      // at least one is
      neither,  // masks[0] is not there whole
      if_true,  // masks[1] is not there whole unless the member of masks[0] is true
    } how;
    std::vector<std::uint64_t> masks;
  };
  struct Case {  // when `member` is absent or has this text, the whole object must also fit `then`
    std::string member, word;
    const Rule* then;
  };

  unsigned types = 127;
  // texts
  WordTable words;  // the only ones allowed, when not empty
  const WordForm* pattern = nullptr;
  const WordForm* format = nullptr;
  std::optional<std::int64_t> length_min, length_max;  // in characters
  bool any_text = true;                                // a text needs no look at all
  // numbers
  std::optional<double> minimum, maximum;
  // objects, at most 64 members
  WordTable members;
  std::vector<const Rule*> member_rules;  // in the order of `members`
  std::uint64_t required = 0;
  bool closed = false;  // no other member may be there
  std::vector<Presence> presence;
  // lists
  const Rule* items = nullptr;
  bool unique = false;
  std::optional<std::int64_t> items_min, items_max;
  // alternatives, decided over the whole value
  std::vector<const Rule*> one_of, any_of, all_of;
  std::vector<Case> cases;

  bool alternatives() const { return !one_of.empty() || !any_of.empty() || !all_of.empty() || !cases.empty(); }
};

// Everything fits this one.
const Rule& free_rule();
// The rule of a whole BOM of a CycloneDX version, "1.2" to "1.7"; null for another. Thread-safe; the first call reads
// the embedded list (about a millisecond).
const Rule* bom_rule(std::string_view spec_version);

}  // namespace hz::supply
