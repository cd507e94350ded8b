// TOML documents as plain values that know their line, so that every refusal can name it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace hz::supply {

struct TomlMember;

struct Toml {
  using Array = std::vector<Toml>;
  using Table = std::vector<TomlMember>;
  struct Other {};  // a float or a date: read, and used by none of our documents
  std::variant<Other, bool, std::int64_t, std::string, Array, Table> value;
  int line = 0;

  const Table* table() const { return std::get_if<Table>(&value); }
  const Array* array() const { return std::get_if<Array>(&value); }
  const std::string* text() const { return std::get_if<std::string>(&value); }
  const std::int64_t* integer() const { return std::get_if<std::int64_t>(&value); }
  const Toml* find(std::string_view key) const;
};
struct TomlMember {
  std::string key;
  Toml value;
};

// At most 1 MiB and 32 levels. Errors: supply.toml (with line and column), supply.limit, base.utf8.
Result<Toml> parse_toml(std::string_view text);

// Reads one table: each field once, then `done()` refuses what is left over.
class TomlTable {
 public:
  // `where` names the table in messages, e.g. "[product]". Errors: supply.field when it is no table.
  static Result<TomlTable> of(const Toml& node, std::string where);

  // Errors, all supply.field with the line: missing, wrong type, empty, longer than `size_max`, out of range.
  Result<std::string> text(std::string_view key, std::size_t size_max = 512);
  Result<std::optional<std::string>> text_if(std::string_view key, std::size_t size_max = 512);
  Result<std::int64_t> integer(std::string_view key, std::int64_t min, std::int64_t max);
  // Null when absent.
  const Toml* any(std::string_view key);
  Result<const Toml*> required(std::string_view key);
  // The elements of an array of tables ([[x]]); empty when absent.
  Result<std::vector<TomlTable>> tables(std::string_view key, std::size_t count_max);
  Result<void> done() const;

  int line() const { return node_->line; }
  const std::string& where() const { return where_; }
  std::unexpected<Error> refuse(const Toml& at, std::string_view key, std::string_view wanted) const;

 private:
  TomlTable(const Toml& node, std::string where) : node_(&node), where_(std::move(where)) {}
  const Toml* node_;
  std::string where_;
  std::vector<std::string_view> known_;
};

// Lower-case letters, digits, '-', '_' and '.', starting with a letter or digit, at most 64 characters.
bool valid_id(std::string_view text);

}  // namespace hz::supply
