#include "supply/ruled_json.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>

#include <fmt/ranges.h>

#include "base/json.h"
#include "supply/reasons.h"

namespace hz::supply {

namespace {

struct TypeWords {
  unsigned types;
  std::string_view words;
};
constexpr TypeWords type_words[] = {{Rule::object, "an object"},   {Rule::array, "a list"},
                                    {Rule::string, "a text"},      {Rule::number, "a number"},
                                    {Rule::integer, "an integer"}, {Rule::boolean, "true or false"},
                                    {Rule::null, "null"}};

std::string wanted(unsigned types) {
  std::string out;
  for (const TypeWords& row : type_words)
    if (types & row.types) out += fmt::format("{}{}", out.empty() ? "" : " or ", row.words);
  return "should be " + out;
}

// The types a value may have that starts with this byte.
unsigned types_of(char first) {
  switch (first) {
    case '{':
      return Rule::object;
    case '[':
      return Rule::array;
    case '"':
      return Rule::string;
    case 't':
    case 'f':
      return Rule::boolean;
    case 'n':
      return Rule::null;
    default:
      return Rule::integer | Rule::number;
  }
}

std::string names(const Rule& rule, std::uint64_t mask, std::string_view between) {
  std::string out;
  for (std::size_t i = 0; i < rule.members.words().size(); ++i)
    if (mask >> i & 1) out += fmt::format("{}{}", out.empty() ? "" : between, rule.members.words()[i]);
  return out;
}

// What is wrong with a text under a rule, or nothing. Alternatives of texts are decided here, without reading again.
std::optional<std::string> text_fault(const Rule& rule, std::string_view text, std::uint64_t hash) {
  if (!(rule.types & Rule::string)) return wanted(rule.types);
  if (rule.any_text) return std::nullopt;
  if (!rule.words.empty() && !rule.words.find(text, hash)) {
    const auto& words = rule.words.words();
    if (words.size() > 16) return fmt::format("is none of the {} words the schema names", words.size());
    return fmt::format("should be {}", fmt::join(words, " or "));
  }
  for (const WordForm* form : {rule.pattern, rule.format})
    if (form && !form->fits(text)) return fmt::format("should be {}", form->wanted);
  if (rule.length_min || rule.length_max) {
    const auto length = std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; });
    if (rule.length_min && length < *rule.length_min)
      return fmt::format("should have at least {} characters", *rule.length_min);
    if (rule.length_max && length > *rule.length_max)
      return fmt::format("should have at most {} characters", *rule.length_max);
  }
  for (const Rule* part : rule.all_of)
    if (auto fault = text_fault(*part, text, hash)) return fault;
  for (const auto* choice : {&rule.one_of, &rule.any_of}) {
    if (choice->empty()) continue;
    std::size_t fit = 0;
    std::optional<std::string> first;
    for (const Rule* part : *choice) {
      auto fault = text_fault(*part, text, hash);
      if (!fault)
        ++fit;
      else if (!first && (part->types & Rule::string))
        first = std::move(fault);
    }
    if (fit == 0) return first ? first : "may not be a text";
    if (fit > 1 && choice == &rule.one_of) return "fits more than one form, and the schema wants exactly one";
  }
  // A rule about members lets every text pass them, so "exactly one" of several cannot hold.
  for (const Rule::Presence& row : rule.presence)
    if (row.how == Rule::Presence::How::neither || (row.how == Rule::Presence::How::one && row.masks.size() > 1))
      return wanted(Rule::object);
  return std::nullopt;
}

}  // namespace

bool RuledJson::allowed_types(unsigned rule_types, unsigned types) {
  if (failed()) return false;
  const char first = in_.peek();
  // What is no value at all is left to the grammar.
  if (first == 0 || std::string_view("{[\"tfn-0123456789").find(first) == std::string_view::npos) return true;
  if (rule_types & types & types_of(first)) return true;
  if (types & types_of(first) || !(rule_types & types))
    broken(wanted(rule_types));
  else
    broken(wanted(rule_types & types));
  return false;
}

// Decides alternatives for the value that comes next, and gives the rule that its parts are still to be held against.
const Rule& RuledJson::settle() {
  while (!failed() && rule_->alternatives() && in_.peek() != '"') {
    const Rule& rule = *rule_;
    const auto* choice = !rule.one_of.empty() ? &rule.one_of : &rule.any_of;
    const unsigned types = types_of(in_.peek());
    // Alternatives and nothing else, of which one can be it: the value is read once, under that one.
    if (!choice->empty() && (rule.one_of.empty() || rule.any_of.empty()) && rule.all_of.empty() && rule.cases.empty() &&
        rule.member_rules.empty() && !rule.items && rule.presence.empty() && !rule.minimum && !rule.maximum) {
      const auto possible = [&](const Rule* part) { return (part->types & types) != 0; };
      if (std::count_if(choice->begin(), choice->end(), possible) == 1 && (rule.types & types)) {
        rule_ = *std::find_if(choice->begin(), choice->end(), possible);
        continue;
      }
    }
    if (!rule.one_of.empty()) choose(rule.one_of, true);
    if (!rule.any_of.empty()) choose(rule.any_of, false);
    for (const Rule* part : rule.all_of) {
      std::optional<JsonPull::Stop> stop;
      if (!failed() && !fits(*part, stop)) in_.fail(std::move(*stop));
    }
    for (const Rule::Case& row : rule.cases)
      if (!failed()) decide_case(row);
    rule_ = &rule;
    return rule;
  }
  return *rule_;
}

// Reads the value under another rule and goes back to its start; `nearest` becomes the error that came furthest.
bool RuledJson::fits(const Rule& rule, std::optional<JsonPull::Stop>& nearest) {
  const JsonPull::Place place = in_.place();
  const std::size_t items = items_.size();
  rule_ = &rule;
  skip();
  const bool good = !failed();
  std::optional<JsonPull::Stop> stop = in_.rewind(place);
  if (stop && (!nearest || nearest->at < stop->at)) nearest = std::move(stop);
  items_.resize(items);
  return good;
}

void RuledJson::choose(const std::vector<const Rule*>& rules, bool exactly_one) {
  if (failed()) return;
  unsigned possible = 0;
  for (const Rule* rule : rules) possible |= rule->types;
  if (!allowed_types(possible, 127)) return;
  int fit = 0;
  std::optional<JsonPull::Stop> nearest;
  for (const Rule* rule : rules) {
    fit += fits(*rule, nearest);
    if (fit > 0 && !exactly_one) return;
  }
  if (fit == 1) return;
  if (fit == 0 && nearest) return in_.fail(std::move(*nearest));
  broken("fits more than one form, and the schema wants exactly one");
}

void RuledJson::decide_case(const Rule::Case& row) {
  const JsonPull::Place place = in_.place();
  bool applies = true;
  if (in_.peek() == '{')
    in_.object([&](std::string_view key) {
      if (key == row.member && in_.peek() == '"') {
        applies = in_.string() == row.word;
      } else {
        applies = applies && key != row.member;
        in_.skip();
      }
    });
  if (auto stop = in_.rewind(place)) return in_.fail(std::move(*stop));
  std::optional<JsonPull::Stop> stop;
  if (applies && !fits(*row.then, stop)) in_.fail(std::move(*stop));
}

void RuledJson::enter_member(const Rule& rule, std::string_view key, Members& members) {
  members.key = text_hash(key);
  const auto at = rule.members.find(key, members.key);
  if (!at) {
    if (rule.closed) return broken("is not a member the schema knows here");
    rule_ = &free_rule();
    return;
  }
  const std::uint64_t bit = std::uint64_t{1} << *at;
  members.there |= bit;
  if (in_.peek() == 't') members.are_true |= bit;
  rule_ = rule.member_rules[*at];
}

void RuledJson::leave_object(const Rule& rule, const Members& members) {
  if (failed()) return;
  value_hash_ = members.hash;
  if (const std::uint64_t missing = rule.required & ~members.there)
    return broken("has no " + names(rule, missing & -missing, ""));
  for (const Rule::Presence& row : rule.presence) {
    const auto whole = [&](std::uint64_t mask) { return (members.there & mask) == mask; };
    const auto count = std::count_if(row.masks.begin(), row.masks.end(), whole);
    std::string all;
    for (const std::uint64_t mask : row.masks)
      all += fmt::format("{}{}", all.empty() ? "" : " or ", names(rule, mask, " and "));
    switch (row.how) {
      case Rule::Presence::How::one:
        if (count != 1) return broken(fmt::format("should have exactly one of {}", all));
        break;
      case Rule::Presence::How::any:
        if (count == 0) return broken(fmt::format("should have {}", all));
        break;
      case Rule::Presence::How::neither:
        if (count != 0) return broken(fmt::format("should not have {} together", names(rule, row.masks[0], " and ")));
        break;
      case Rule::Presence::How::if_true:
        if (!(members.are_true & row.masks[0]) && whole(row.masks[1]))
          return broken(fmt::format("should have {} only where {} is true", names(rule, row.masks[1], " and "),
                                    names(rule, row.masks[0], "")));
        break;
    }
  }
}

void RuledJson::leave_array(const Rule& rule, const Elements& elements) {
  if (failed()) return;
  if (rule.items_min && elements.count < *rule.items_min)
    return broken(fmt::format("should have at least {} elements", *rule.items_min));
  if (rule.items_max && elements.count > *rule.items_max)
    return broken(fmt::format("should have at most {} elements", *rule.items_max));
  if (rule.unique && elements.count > 1) distinct(elements.first);
  items_.resize(elements.first);
  value_hash_ = elements.hash;
}

void RuledJson::distinct(std::size_t first) {
  const auto begin = items_.begin() + static_cast<std::ptrdiff_t>(first);
  std::sort(begin, items_.end(),
            [](const Item& a, const Item& b) { return a.hash != b.hash ? a.hash < b.hash : a.start < b.start; });
  const auto same = std::adjacent_find(begin, items_.end(), [](const Item& a, const Item& b) {
    if (a.hash != b.hash) return false;
    const auto value = [](const Item& item) {
      return json::parse(std::string_view(item.start, static_cast<std::size_t>(item.end - item.start)),
                         {.size_bytes_max = 256u << 20});
    };
    const auto left = value(a), right = value(b);
    return left && right && json::dump(*left) == json::dump(*right);
  });
  if (same == items_.end()) return;
  const auto place = [&](const Item& item) {
    return std::count_if(begin, items_.end(), [&](const Item& other) { return other.start < item.start; });
  };
  broken(fmt::format("has equal elements, [{}] and [{}]", place(same[0]), place(same[1])));
}

std::string_view RuledJson::string() {
  const Rule& rule = settle();
  if (!allowed(rule, Rule::string)) return {};
  const std::string_view text = in_.string();
  value_hash_ = text_hash(text);
  if (rule.any_text || failed()) return text;
  if (auto fault = text_fault(rule, text, value_hash_)) broken(*fault);
  return text;
}

void RuledJson::number() {
  const Rule& rule = settle();
  if (!allowed(rule, Rule::integer | Rule::number)) return;
  const std::string_view text = in_.number();
  if (failed()) return;
  double value = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc())
    return broken("is a number out of range");
  value_hash_ = std::bit_cast<std::uint64_t>(value + 0.0);
  if (!(rule.types & Rule::number) && value != std::floor(value)) return broken(wanted(rule.types));
  if (rule.minimum && value < *rule.minimum) return broken(fmt::format("should be {} or more", *rule.minimum));
  if (rule.maximum && value > *rule.maximum) return broken(fmt::format("should be {} or less", *rule.maximum));
}

void RuledJson::skip() {
  switch (in_.peek()) {
    case '{':
      return object([&](std::string_view) { skip(); });
    case '[':
      return array([&](std::int64_t) { skip(); });
    case '"': {
      const JsonPull::Place place = in_.place();
      string();
      return in_.forget_texts(place);
    }
    case 't':
    case 'f':
      if (allowed(settle(), Rule::boolean)) value_hash_ = in_.boolean() ? 3 : 4;
      return;
    case 'n':
      if (allowed(settle(), Rule::null)) in_.skip();
      value_hash_ = 5;
      return;
    case 0:
      return in_.skip();
    default:
      return number();
  }
}

}  // namespace hz::supply
