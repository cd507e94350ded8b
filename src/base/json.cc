#include "base/json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <unordered_set>

#include "base/bytes.h"

namespace hz::json {

Value::Value() = default;
Value::Value(const Value&) = default;
Value::Value(Value&&) noexcept = default;
Value& Value::operator=(const Value&) = default;
Value& Value::operator=(Value&&) noexcept = default;
Value::~Value() = default;
bool Value::operator==(const Value&) const = default;

const Value* Value::find(std::string_view key) const {
  if (const Object* members = object())
    for (const auto& [name, value] : *members)
      if (name == key) return &value;
  return nullptr;
}

std::string_view Value::text(std::string_view key) const {
  const Value* member = find(key);
  const std::string* s = member ? member->string() : nullptr;
  return s ? std::string_view(*s) : std::string_view();
}

Value& Value::set(std::string key, Value value) {
  if (is_null()) data_ = Object{};
  Object* members = object();
  HZ_ASSERT(members != nullptr);
  members->emplace_back(std::move(key), std::move(value));
  return *this;
}

std::string Place::text() const {
  if (!in_) return std::string(name_);
  return name_.data() ? fmt::format("{}.{}", in_->text(), name_) : fmt::format("{}[{}]", in_->text(), index_);
}

namespace {

class Reader {
 public:
  Reader(std::string_view text, const Limits& limits) : text_(text), limits_(limits) {}

  Result<Value> document() {
    Value value = HZ_TRY(read(0));
    skip_space();
    if (at_ != text_.size()) return syntax("text after the end of the document");
    return value;
  }

 private:
  std::unexpected<Error> syntax(std::string_view what) const {
    const std::string_view before = text_.substr(0, at_);
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const auto start = before.rfind('\n');
    const auto column = at_ - (start == std::string_view::npos ? 0 : start + 1) + 1;
    return fail(why("base.json_syntax"), "line {} column {}: {}", line, column, what);
  }

  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r'))
      ++at_;
  }

  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  bool take_word(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  Result<Value> read(int depth) {
    if (depth > limits_.depth_max) return fail(why("base.json_depth"), "more than {} levels", limits_.depth_max);
    skip_space();
    if (at_ >= text_.size()) return syntax("the text ends where a value should be");
    switch (text_[at_]) {
      case '{':
        return read_object(depth);
      case '[':
        return read_array(depth);
      case '"':
        return Value(HZ_TRY(read_string()));
      case 't':
        if (take_word("true")) return Value(true);
        break;
      case 'f':
        if (take_word("false")) return Value(false);
        break;
      case 'n':
        if (take_word("null")) return Value();
        break;
      default:
        return read_number();
    }
    return syntax("not a value");
  }

  Result<Value> read_object(int depth) {
    ++at_;
    Object members;
    // Small objects are checked by looking; large ones by hashing, or a hostile document would cost O(n^2).
    std::unordered_set<std::string> seen;
    skip_space();
    if (take('}')) return Value(std::move(members));
    for (;;) {
      skip_space();
      if (at_ >= text_.size() || text_[at_] != '"') return syntax("a key should be here");
      std::string key = HZ_TRY(read_string());
      bool duplicate = false;
      if (members.size() < 16) {
        duplicate = std::any_of(members.begin(), members.end(), [&](const Member& m) { return m.first == key; });
      } else {
        if (seen.empty())
          for (const Member& m : members) seen.insert(m.first);
        duplicate = !seen.insert(key).second;
      }
      if (duplicate) return syntax(fmt::format("key \"{}\" appears twice", key));
      skip_space();
      if (!take(':')) return syntax("':' should be here");
      Value value = HZ_TRY(read(depth + 1));
      members.emplace_back(std::move(key), std::move(value));
      skip_space();
      if (take('}')) return Value(std::move(members));
      if (!take(',')) return syntax("',' or '}' should be here");
    }
  }

  Result<Value> read_array(int depth) {
    ++at_;
    Array items;
    skip_space();
    if (take(']')) return Value(std::move(items));
    for (;;) {
      items.push_back(HZ_TRY(read(depth + 1)));
      skip_space();
      if (take(']')) return Value(std::move(items));
      if (!take(',')) return syntax("',' or ']' should be here");
    }
  }

  Result<std::uint32_t> read_hex4() {
    std::uint32_t unit = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = at_ < text_.size() ? text_[at_] : '\0';
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return syntax("four hex digits should follow \\u");
      unit = unit << 4 | static_cast<std::uint32_t>(digit);
      ++at_;
    }
    return unit;
  }

  static void append_utf8(std::string& out, std::uint32_t point) {
    const auto byte = [&](std::uint32_t b) { out += static_cast<char>(b); };
    if (point < 0x80) {
      byte(point);
    } else if (point < 0x800) {
      byte(0xc0 | point >> 6);
      byte(0x80 | (point & 0x3f));
    } else if (point < 0x10000) {
      byte(0xe0 | point >> 12);
      byte(0x80 | (point >> 6 & 0x3f));
      byte(0x80 | (point & 0x3f));
    } else {
      byte(0xf0 | point >> 18);
      byte(0x80 | (point >> 12 & 0x3f));
      byte(0x80 | (point >> 6 & 0x3f));
      byte(0x80 | (point & 0x3f));
    }
  }

  Result<std::string> read_string() {
    ++at_;
    std::string out;
    for (;;) {
      // Copy the run of ordinary bytes at once.
      const std::size_t start = at_;
      while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\' &&
             static_cast<unsigned char>(text_[at_]) >= 0x20)
        ++at_;
      out.append(text_.substr(start, at_ - start));
      if (at_ >= text_.size()) return syntax("the text ends inside a string");
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return out;
      }
      if (c != '\\') return syntax("a control character must be escaped");
      ++at_;
      const char escape = at_ < text_.size() ? text_[at_++] : '\0';
      switch (escape) {
        case '"':
          out += '"';
          break;
        case '\\':
          out += '\\';
          break;
        case '/':
          out += '/';
          break;
        case 'b':
          out += '\b';
          break;
        case 'f':
          out += '\f';
          break;
        case 'n':
          out += '\n';
          break;
        case 'r':
          out += '\r';
          break;
        case 't':
          out += '\t';
          break;
        case 'u': {
          std::uint32_t point = HZ_TRY(read_hex4());
          if (point >= 0xdc00 && point <= 0xdfff) return syntax("a low surrogate without a high one");
          if (point >= 0xd800 && point <= 0xdbff) {
            if (!take('\\') || !take('u')) return syntax("a high surrogate without a low one");
            const std::uint32_t low = HZ_TRY(read_hex4());
            if (low < 0xdc00 || low > 0xdfff) return syntax("a high surrogate without a low one");
            point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
          }
          append_utf8(out, point);
          break;
        }
        default:
          return syntax("unknown escape");
      }
    }
  }

  Result<Value> read_number() {
    const std::size_t start = at_;
    const auto digits = [&] {
      const std::size_t from = at_;
      while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
      return at_ - from;
    };
    bool whole = true;
    take('-');
    const std::size_t first = at_;
    const std::size_t count = digits();
    if (count == 0) return syntax("not a value");
    if (count > 1 && text_[first] == '0') return syntax("a number with a leading zero");
    if (take('.')) {
      whole = false;
      if (digits() == 0) return syntax("digits should follow '.'");
    }
    if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
      whole = false;
      ++at_;
      if (!take('+')) take('-');
      if (digits() == 0) return syntax("digits should follow the exponent sign");
    }
    const std::string_view token = text_.substr(start, at_ - start);
    if (whole) {
      std::int64_t n = 0;
      const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), n);
      if (error == std::errc{} && end == token.data() + token.size()) return Value(n);
    }
    double d = 0;
    const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), d);
    if (error != std::errc{} || !std::isfinite(d)) return syntax("the number is out of range");
    return Value(d);
  }

  std::string_view text_;
  const Limits& limits_;
  std::size_t at_ = 0;
};

void write(std::string& out, const Value& value, int indent, int level) {
  const auto line = [&](int at) {
    if (indent == 0) return;
    out += '\n';
    out.append(static_cast<std::size_t>(indent * at), ' ');
  };
  if (const bool* b = value.boolean()) {
    out += *b ? "true" : "false";
  } else if (const std::int64_t* n = value.integer()) {
    out += std::to_string(*n);
  } else if (const double* d = value.real()) {
    char buffer[32];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, *d).ptr;
    out.append(buffer, end);
  } else if (const std::string* s = value.string()) {
    append_quoted(out, *s);
  } else if (const Array* items = value.array()) {
    out += '[';
    for (std::size_t i = 0; i < items->size(); ++i) {
      if (i) out += ',';
      line(level + 1);
      write(out, (*items)[i], indent, level + 1);
    }
    if (!items->empty()) line(level);
    out += ']';
  } else if (const Object* members = value.object()) {
    std::vector<const Member*> sorted;
    for (const Member& m : *members) sorted.push_back(&m);
    std::sort(sorted.begin(), sorted.end(), [](auto left, auto right) { return left->first < right->first; });
    out += '{';
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      if (i) out += ',';
      line(level + 1);
      append_quoted(out, sorted[i]->first);
      out += indent ? ": " : ":";
      write(out, sorted[i]->second, indent, level + 1);
    }
    if (!members->empty()) line(level);
    out += '}';
  } else {
    out += "null";
  }
}

}  // namespace

Result<Value> parse(std::string_view text, const Limits& limits) {
  if (text.size() > limits.size_bytes_max)
    return fail(hz::why("base.too_large"), "{} bytes of JSON, limit {}", text.size(), limits.size_bytes_max);
  if (!valid_utf8(text)) return fail(hz::why("base.utf8"), "JSON text of {} bytes", text.size());
  return Reader(text, limits).document();
}

void append_quoted(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += "\\u00";
          out += digits[static_cast<unsigned char>(c) >> 4];
          out += digits[c & 15];
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

std::string dump(const Value& value) {
  std::string out;
  write(out, value, 0, 0);
  return out;
}

std::string pretty(const Value& value) {
  std::string out;
  write(out, value, 2, 0);
  return out;
}

}  // namespace hz::json
