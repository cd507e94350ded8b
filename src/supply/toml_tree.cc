#include "supply/toml_tree.h"

#include <algorithm>
#include <tuple>
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include "base/bytes.h"
#include "supply/reasons.h"

namespace hz::supply {

namespace {

constexpr std::size_t size_bytes_max = 1u << 20;
constexpr int depth_max = 32;

Result<Toml> copy(const toml::node& node, int depth) {
  if (depth > depth_max)
    return fail(why("supply.limit"), "line {}: more than {} levels", node.source().begin.line, depth_max);
  Toml out;
  out.line = static_cast<int>(node.source().begin.line);
  if (const auto* table = node.as_table()) {
    Toml::Table members;
    for (const auto& [key, value] : *table) {
      Toml member = HZ_TRY(copy(value, depth + 1));
      // A table made by a header starts at the header; a value starts at its key, which is where people look.
      if (!value.is_table() && !value.is_array()) member.line = static_cast<int>(key.source().begin.line);
      members.push_back({std::string(key.str()), std::move(member)});
    }
    // Unknown fields are reported in document order.
    std::sort(members.begin(), members.end(), [](const auto& a, const auto& b) {
      return std::tie(a.value.line, a.key) < std::tie(b.value.line, b.key);
    });
    out.value = std::move(members);
  } else if (const auto* array = node.as_array()) {
    Toml::Array items;
    for (const auto& item : *array) items.push_back(HZ_TRY(copy(item, depth + 1)));
    out.value = std::move(items);
  } else if (const auto* s = node.as_string()) {
    out.value = s->get();
  } else if (const auto* n = node.as_integer()) {
    out.value = static_cast<std::int64_t>(n->get());
  } else if (const auto* b = node.as_boolean()) {
    out.value = b->get();
  }
  return out;
}

// toml++ recurses per bracket: refuse deep nesting before it does. Strings and comments are skipped roughly, which can
// only refuse more.
bool nested_too_deep(std::string_view text) {
  int depth = 0;
  for (const char c : text) {
    if (c == '[' || c == '{') {
      if (++depth > 4 * depth_max) return true;
    } else if (c == ']' || c == '}') {
      depth = std::max(0, depth - 1);
    }
  }
  return false;
}

}  // namespace

const Toml* Toml::find(std::string_view key) const {
  if (const Table* members = table())
    for (const auto& [name, member] : *members)
      if (name == key) return &member;
  return nullptr;
}

Result<Toml> parse_toml(std::string_view text) {
  if (text.size() > size_bytes_max)
    return fail(why("supply.limit"), "{} bytes, at most {} are read", text.size(), size_bytes_max);
  if (!valid_utf8(text)) return fail(hz::why("base.utf8"), "the TOML text");
  if (nested_too_deep(text)) return fail(why("supply.limit"), "more than {} levels", depth_max);
  try {
    const toml::table root = toml::parse(text);
    return copy(root, 0);
  } catch (const toml::parse_error& error) {
    return fail(why("supply.toml"), "line {} column {}: {}", error.source().begin.line, error.source().begin.column,
                error.description());
  } catch (const std::exception& error) {
    return fail(why("supply.toml"), "line 1: {}", error.what());
  }
}

std::unexpected<Error> TomlTable::refuse(const Toml& at, std::string_view key, std::string_view wanted) const {
  return fail(why("supply.field"), "line {}: {} {} {}", at.line, where_, key, wanted);
}

Result<TomlTable> TomlTable::of(const Toml& node, std::string where) {
  if (!node.table()) return fail(why("supply.field"), "line {}: {} should be a table", node.line, where);
  return TomlTable(node, std::move(where));
}

const Toml* TomlTable::any(std::string_view key) {
  known_.push_back(key);
  return node_->find(key);
}

Result<const Toml*> TomlTable::required(std::string_view key) {
  if (const Toml* found = any(key)) return found;
  return refuse(*node_, key, "is missing");
}

Result<std::optional<std::string>> TomlTable::text_if(std::string_view key, std::size_t size_max) {
  const Toml* found = any(key);
  if (!found) return std::optional<std::string>();
  const std::string* text = found->text();
  if (!text) return refuse(*found, key, "should be a text");
  if (text->empty()) return refuse(*found, key, "should not be empty");
  if (text->size() > size_max) return refuse(*found, key, fmt::format("is longer than {} bytes", size_max));
  return std::optional<std::string>(*text);
}

Result<std::string> TomlTable::text(std::string_view key, std::size_t size_max) {
  auto found = HZ_TRY(text_if(key, size_max));
  if (!found) return refuse(*node_, key, "is missing");
  return *std::move(found);
}

Result<std::int64_t> TomlTable::integer(std::string_view key, std::int64_t min, std::int64_t max) {
  const Toml* found = HZ_TRY(required(key));
  const std::int64_t* n = found->integer();
  if (!n || *n < min || *n > max)
    return refuse(*found, key, fmt::format("should be an integer from {} to {}", min, max));
  return *n;
}

Result<std::vector<TomlTable>> TomlTable::tables(std::string_view key, std::size_t count_max) {
  std::vector<TomlTable> out;
  const Toml* found = any(key);
  if (!found) return out;
  const Toml::Array* items = found->array();
  if (!items) return refuse(*found, key, fmt::format("should be written as [[{}]]", key));
  if (items->size() > count_max)
    return fail(why("supply.limit"), "line {}: {} [[{}]] entries, at most {}", found->line, items->size(), key,
                count_max);
  for (const Toml& item : *items) out.push_back(HZ_TRY(of(item, fmt::format("[[{}]]", key))));
  return out;
}

Result<void> TomlTable::done() const {
  for (const auto& [key, member] : *node_->table())
    if (std::find(known_.begin(), known_.end(), key) == known_.end())
      return refuse(member, key, "is not a known field");
  return {};
}

bool valid_id(std::string_view text) {
  const auto lower_or_digit = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (text.empty() || text.size() > 64 || !lower_or_digit(text.front())) return false;
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return lower_or_digit(c) || c == '-' || c == '_' || c == '.'; });
}

}  // namespace hz::supply
