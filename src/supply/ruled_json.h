// Reads a JSON text and checks it against a rule in the same pass.
//
// The simple way is to validate first and read afterwards: two parses, and a tree in between. Here the reader calls
// what JsonPull offers, object, array, string, skip, and each call first asks the rule that holds at this place whether
// such a value may stand here; going into a member moves to the member's rule. What the caller skips is checked all the
// same.
//
// Three things need more than one look ahead:
//   alternatives (oneOf, anyOf): the value's first byte decides most; else the value is read once per alternative and
//     the reader goes back. Alternatives of the rules we have never nest without bound, so the cost stays a small
//     factor.
//   required members: one bit per member, compared when the object closes.
//   unique lists: every value leaves a hash of its structure (key order, white space and escapes make no difference);
//     elements are compared as values only where hashes are equal, so 100,000 components cost one sort.
//
// Errors are sticky, as JsonPull's: the caller looks once, at the end.
#pragma once
#include "supply/json_pull.h"
#include "supply/json_rule.h"

namespace hz::supply {

class RuledJson {
 public:
  // `refusal` is the reason of everything that breaks the rule. The text must be valid UTF-8 and outlive the reader.
  RuledJson(std::string_view text, const Rule& rule, const Reason& refusal)
      : in_(text), rule_(&rule), refusal_(&refusal) {}

  bool failed() const { return in_.failed(); }
  // Calls each(key) for every member; `each` consumes exactly one value.
  template <class F>
  void object(F&& each) {
    const Rule& rule = settle();
    if (!allowed(rule, Rule::object)) return;
    Members members;
    in_.object([&](std::string_view key) {
      enter_member(rule, key, members);
      if (failed()) return;
      each(key);
      members.hash += value_hash_ * 0x9e3779b97f4a7c15 ^ members.key;
    });
    leave_object(rule, members);
  }
  // Calls each(index) for every element.
  template <class F>
  void array(F&& each) {
    const Rule& rule = settle();
    if (!allowed(rule, Rule::array)) return;
    Elements elements{items_.size()};
    in_.array([&](std::int64_t index) {
      rule_ = rule.items ? rule.items : &free_rule();
      in_.peek();
      const char* start = in_.position();
      each(index);
      elements.hash = (elements.hash ^ value_hash_) * 0x9e3779b97f4a7c15 + 1;
      ++elements.count;
      if (rule.unique) items_.push_back({value_hash_, start, in_.position()});
    });
    leave_array(rule, elements);
  }
  std::string_view string();
  void skip();
  // Of the value read last: text_hash of a text; equal values give equal hashes.
  std::uint64_t value_hash() const { return value_hash_; }

  // Refuses the value being read.
  void refuse(const Reason& reason, std::string_view what) { in_.refuse(reason, what); }
  std::string path() const { return in_.path(); }
  Result<void> finish() { return in_.finish(); }

 private:
  struct Members {
    std::uint64_t there = 0, are_true = 0;
    std::uint64_t key = 0;   // hash of the key being read
    std::uint64_t hash = 1;  // the order of members makes no difference
  };
  struct Elements {
    std::size_t first;  // in items_
    std::uint64_t hash = 2;
    std::int64_t count = 0;
  };
  struct Item {
    std::uint64_t hash;
    const char *start, *end;
  };

  void broken(std::string_view what) { in_.refuse(*refusal_, what); }
  const Rule& settle();
  bool allowed(const Rule& rule, unsigned types) { return allowed_types(rule.types, types); }
  bool allowed_types(unsigned rule_types, unsigned types);
  void enter_member(const Rule& rule, std::string_view key, Members& members);
  void leave_object(const Rule& rule, const Members& members);
  void leave_array(const Rule& rule, const Elements& elements);
  void distinct(std::size_t first);
  bool fits(const Rule& rule, std::optional<JsonPull::Stop>& nearest);
  void choose(const std::vector<const Rule*>& rules, bool exactly_one);
  void decide_case(const Rule::Case& row);
  void number();

  JsonPull in_;
  const Rule* rule_;  // of the value that is read next
  const Reason* refusal_;
  std::uint64_t value_hash_ = 0;  // of the value read last
  std::vector<Item> items_;       // of the unique lists being read, innermost last
};

}  // namespace hz::supply
