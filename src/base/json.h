// JSON values, a strict reader with limits, and the one compact text form.
//
// The reader serves outside documents (BOMs, lock files, requests). Signed statements have a narrower grammar, checked
// by statement/canonical.h on the raw bytes; both share these values.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace hz::json {

class Value;
using Array = std::vector<Value>;
using Member = std::pair<std::string, Value>;
using Object = std::vector<Member>;  // in document order; keys are unique

class Value {
 public:
  Value();  // null
  // Copies, moves and the end of a value are compiled once: inlined wherever a value passes, they slow every build.
  Value(const Value&);
  Value(Value&&) noexcept;
  Value& operator=(const Value&);
  Value& operator=(Value&&) noexcept;
  ~Value();
  Value(bool b) : data_(b) {}
  Value(std::int64_t n) : data_(n) {}
  Value(int n) : data_(std::int64_t{n}) {}
  Value(double d) : data_(d) {}
  Value(std::string s) : data_(std::move(s)) {}
  Value(std::string_view s) : data_(std::string(s)) {}
  Value(const char* s) : data_(std::string(s)) {}
  Value(Array a) : data_(std::move(a)) {}
  Value(Object o) : data_(std::move(o)) {}

  bool is_null() const { return std::holds_alternative<std::monostate>(data_); }
  // Null when the value has another type.
  const bool* boolean() const { return std::get_if<bool>(&data_); }
  const std::int64_t* integer() const { return std::get_if<std::int64_t>(&data_); }
  const double* real() const { return std::get_if<double>(&data_); }
  const std::string* string() const { return std::get_if<std::string>(&data_); }
  const Array* array() const { return std::get_if<Array>(&data_); }
  const Object* object() const { return std::get_if<Object>(&data_); }
  Array* array() { return std::get_if<Array>(&data_); }
  Object* object() { return std::get_if<Object>(&data_); }

  // The member of an object; null when this is no object or has no such key. O(members).
  const Value* find(std::string_view key) const;
  // The text of a string member, or "" (handy for documents whose fields are all optional).
  std::string_view text(std::string_view key) const;
  // Appends a member; the caller knows the key is new.
  Value& set(std::string key, Value value);

  bool operator==(const Value&) const;

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> data_;
};

// Where in a document something is, e.g. "$.products[2].id". Links to what it is in, which must outlive it, so that it
// costs nothing until a message needs the text.
class Place {
 public:
  Place(const char* root) : name_(root) {}
  Place(const Place& in, std::string_view member) : in_(&in), name_(member) {}
  Place(const Place& in, std::size_t index) : in_(&in), index_(index) {}
  std::string text() const;

 private:
  const Place* in_ = nullptr;
  std::string_view name_ = {};  // without a text: index_ counts
  std::size_t index_ = 0;
};

struct Limits {
  std::size_t size_bytes_max = 64u << 20;
  int depth_max = 64;
};

// RFC 8259 with unique keys and valid UTF-8. Integers that fit 64 bits stay integers, other numbers become doubles.
// Errors, each with line and column: base.json_syntax, base.json_depth, base.too_large, base.utf8.
Result<Value> parse(std::string_view text, const Limits& limits = {});

// Compact text with members sorted by key (bytewise): equal values give equal bytes.
std::string dump(const Value& value);
// The same order, indented by two spaces, for people.
std::string pretty(const Value& value);
// A JSON string literal with RFC 8785 escapes.
void append_quoted(std::string& out, std::string_view text);

}  // namespace hz::json
