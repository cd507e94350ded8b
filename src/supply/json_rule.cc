#include "supply/json_rule.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <map>

#include "base/json.h"
#include "supply/bom_rules.h"

namespace hz::supply {

namespace {

__extension__ typedef unsigned __int128 Wide;

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

template <class T>
std::uint64_t load(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

constexpr std::pair<std::string_view, unsigned> type_names[] = {
    {"null", Rule::null},     {"boolean", Rule::boolean}, {"integer", Rule::integer}, {"number", Rule::number},
    {"string", Rule::string}, {"array", Rule::array},     {"object", Rule::object}};

struct RuleList {
  std::vector<std::unique_ptr<Rule>> rules;
  std::map<std::string, const Rule*, std::less<>> versions;
};

// The list is part of the program: what is wrong with it is a broken build, so reading it ends the process instead of
// returning an error (the unit tests read it).
[[noreturn]] void broken(std::string_view what) {
  std::fprintf(stderr, "spec/cyclonedx/rules.json: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

class ListReader {
 public:
  RuleList read() {
    const auto document = json::parse(embedded::bom_rules);
    if (!document) broken(document.error().text());
    const json::Value* rules = document->find("rules");
    if (!rules || !rules->array()) broken("has no rules");
    for (std::size_t i = 0; i < rules->array()->size(); ++i) out_.rules.push_back(std::make_unique<Rule>());
    for (std::size_t i = 0; i < rules->array()->size(); ++i) rule((*rules->array())[i], *out_.rules[i]);
    const json::Value* versions = document->find("versions");
    if (!versions || !versions->object()) broken("has no versions");
    for (const auto& [version, at] : *versions->object()) out_.versions[version] = reference(at);
    return std::move(out_);
  }

 private:
  const Rule* reference(const json::Value& at) {
    if (!at.integer() || *at.integer() < 0 || static_cast<std::size_t>(*at.integer()) >= out_.rules.size())
      broken("a reference leads nowhere");
    return out_.rules[static_cast<std::size_t>(*at.integer())].get();
  }
  const json::Array& list(const json::Value& value) {
    if (!value.array()) broken("a list is none");
    return *value.array();
  }
  const std::string& text(const json::Value& value) {
    if (!value.string()) broken("a text is none");
    return *value.string();
  }
  std::vector<const Rule*> references(const json::Value& value) {
    std::vector<const Rule*> out;
    for (const json::Value& at : list(value)) out.push_back(reference(at));
    return out;
  }
  std::uint64_t mask(const Rule& rule, const json::Value& names) {
    std::uint64_t out = 0;
    for (const json::Value& name : list(names)) {
      const auto at = rule.members.find(text(name), text_hash(text(name)));
      if (!at) broken("a required member has no rule: " + text(name));
      out |= std::uint64_t{1} << *at;
    }
    return out;
  }
  const WordForm* form(const json::Value& value) {
    const WordForm* found = word_form(text(value));
    if (!found) broken("no such form: " + text(value));
    return found;
  }

  void rule(const json::Value& from, Rule& to) {
    if (const json::Value* members = from.find("members")) {
      std::vector<std::string> names;
      for (const auto& [name, at] : *members->object()) {
        names.push_back(name);
        to.member_rules.push_back(reference(at));
      }
      if (names.size() > 64) broken("an object with more than 64 members");
      to.members = WordTable(std::move(names));
    }
    for (const auto& [key, value] : *from.object()) {
      if (key == "at" || key == "members") continue;
      if (key == "types") {
        to.types = 0;
        for (const json::Value& name : list(value))
          for (const auto& [known, bit] : type_names)
            if (known == text(name)) to.types |= bit;
      } else if (key == "words") {
        std::vector<std::string> words;
        for (const json::Value& word : list(value)) words.push_back(text(word));
        to.words = WordTable(std::move(words));
      } else if (key == "pattern") {
        to.pattern = form(value);
      } else if (key == "format") {
        to.format = form(value);
      } else if (key == "minLength") {
        to.length_min = *value.integer();
      } else if (key == "maxLength") {
        to.length_max = *value.integer();
      } else if (key == "minimum") {
        to.minimum = value.integer() ? static_cast<double>(*value.integer()) : *value.real();
      } else if (key == "maximum") {
        to.maximum = value.integer() ? static_cast<double>(*value.integer()) : *value.real();
      } else if (key == "required") {
        to.required = mask(to, value);
      } else if (key == "closed") {
        to.closed = true;
      } else if (key == "presence") {
        for (const json::Value& row : list(value)) to.presence.push_back(presence(to, list(row)));
      } else if (key == "items") {
        to.items = reference(value);
      } else if (key == "unique") {
        to.unique = true;
      } else if (key == "minItems") {
        to.items_min = *value.integer();
      } else if (key == "maxItems") {
        to.items_max = *value.integer();
      } else if (key == "oneOf") {
        to.one_of = references(value);
      } else if (key == "anyOf") {
        to.any_of = references(value);
      } else if (key == "allOf") {
        to.all_of = references(value);
      } else if (key == "cases") {
        for (const json::Value& row : list(value))
          to.cases.push_back({text(list(row)[0]), text(list(row)[1]), reference(list(row)[2])});
      } else {
        broken("a rule has a part this reader does not know: " + key);
      }
    }
    to.any_text = to.words.empty() && !to.pattern && !to.format && !to.length_min && !to.length_max &&
                  !to.alternatives() && to.presence.empty();
  }

  Rule::Presence presence(const Rule& rule, const json::Array& row) {
    using How = Rule::Presence::How;
    const std::string& word = text(row[0]);
    Rule::Presence out{word == "one"    ? How::one
                       : word == "any"  ? How::any
                       : word == "not"  ? How::neither
                       : word == "true" ? How::if_true
                                        : (broken("presence " + word), How::one),
                       {}};
    for (std::size_t i = 1; i < row.size(); ++i) out.masks.push_back(mask(rule, row[i]));
    return out;
  }

  RuleList out_;
};

}  // namespace

std::uint64_t text_hash(std::string_view text) {
  constexpr std::uint64_t k1 = 0xa0761d6478bd642f, k2 = 0xe7037ed1a0b428db;
  const char* at = text.data();
  std::size_t left = text.size();
  std::uint64_t hash = k1 ^ left;
  for (; left > 16; left -= 16, at += 16) hash = mix(load<std::uint64_t>(at) ^ k2, load<std::uint64_t>(at + 8) ^ hash);
  if (left >= 8) return mix(load<std::uint64_t>(at) ^ k2, load<std::uint64_t>(at + left - 8) ^ hash);
  if (left >= 4) return mix(load<std::uint32_t>(at) ^ k2, load<std::uint32_t>(at + left - 4) ^ hash);
  std::uint64_t rest = 0;
  for (std::size_t i = 0; i < left; ++i) rest = rest << 8 | static_cast<unsigned char>(at[i]);
  return mix(rest ^ k2, hash);
}

WordTable::WordTable(std::vector<std::string> words)
    : words_(std::move(words)), slots_(std::bit_ceil(words_.size() * 2 + 1)) {
  for (std::size_t i = 0; i < words_.size(); ++i) {
    std::size_t slot = text_hash(words_[i]) & (slots_.size() - 1);
    while (slots_[slot]) slot = (slot + 1) & (slots_.size() - 1);
    slots_[slot] = static_cast<std::uint16_t>(i + 1);
  }
}

std::optional<std::size_t> WordTable::find(std::string_view word, std::uint64_t hash) const {
  if (slots_.empty()) return std::nullopt;
  for (std::size_t slot = hash & (slots_.size() - 1); slots_[slot]; slot = (slot + 1) & (slots_.size() - 1))
    if (words_[slots_[slot] - 1u] == word) return slots_[slot] - 1u;
  return std::nullopt;
}

const Rule& free_rule() {
  static const Rule rule;
  return rule;
}

const Rule* bom_rule(std::string_view spec_version) {
  static const RuleList list = ListReader().read();
  const auto found = list.versions.find(spec_version);
  return found == list.versions.end() ? nullptr : found->second;
}

}  // namespace hz::supply
