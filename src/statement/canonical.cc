#include "statement/canonical.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <tuple>

#include "base/bytes.h"
#include "statement/reasons.h"

namespace hz::statement {
namespace {

bool is_key_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Bytes of strings that need a closer look: quote, backslash, controls, and everything beyond ASCII.
constexpr std::array<bool, 256> special_bytes = [] {
  std::array<bool, 256> out{};
  for (unsigned i = 0; i < 256; ++i) out[i] = i < 0x20 || i == '"' || i == '\\' || i >= 0x80;
  return out;
}();
bool is_special(char c) { return special_bytes[static_cast<unsigned char>(c)]; }

// Where in the document something is, kept as views so that it costs nothing until a message needs it.
struct Place {
  std::string_view key;  // empty: `index` counts
  std::size_t index = 0;
};
struct Path {
  std::array<Place, canonical_depth_max> places{};
  std::size_t depth = 0;

  std::string text() const {
    std::string out = "$";
    for (std::size_t i = 0; i < depth; ++i)
      out += places[i].key.empty() ? fmt::format("[{}]", places[i].index) : fmt::format(".{}", places[i].key);
    return out;
  }
};

// Objects of statements have two to ten members; growing to that by doubling moves each of them several times.
constexpr std::size_t members_likely = 8;

// build = false checks only; true also fills a value. One code path, so that they cannot disagree.
template <bool build>
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  Result<void> document(json::Value* out) {
    if (value(out) && (at_ == text_.size() || refuse("text after the end of the document"))) return {};
    return fail(why("statement.not_canonical"), "offset {} at {}: {}", at_, path_.text(), what_);
  }

 private:
  bool refuse(const char* what) {
    what_ = what;
    return false;
  }
  char look() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  bool word(std::string_view w) {
    if (text_.substr(at_, w.size()) != w) return refuse("not a value");
    at_ += w.size();
    return true;
  }

  bool value(json::Value* out) {
    switch (look()) {
      case '{':
        return object(out);
      case '[':
        return array(out);
      case '"': {
        std::string text;
        if (!string(build ? &text : nullptr)) return false;
        if constexpr (build) *out = json::Value(std::move(text));
        return true;
      }
      case 't':
        if (!word("true")) return false;
        if constexpr (build) *out = json::Value(true);
        return true;
      case 'f':
        if (!word("false")) return false;
        if constexpr (build) *out = json::Value(false);
        return true;
      case 'n':
        return word("null");
      default:
        return number(out);
    }
  }

  bool enter() {
    if (path_.depth == canonical_depth_max) return refuse("more than 16 levels");
    path_.places[path_.depth++] = {};
    ++at_;
    return true;
  }

  bool object(json::Value* out) {
    if (!enter()) return false;
    Place& place = path_.places[path_.depth - 1];
    json::Object members;
    std::string_view previous;
    if (!take('}')) {
      for (;;) {
        if (!take('"')) return refuse("a key should be here");
        const std::size_t start = at_;
        while (at_ < text_.size() && is_key_byte(text_[at_])) ++at_;
        const std::string_view key = text_.substr(start, at_ - start);
        if (look() != '"') return refuse("a key has only letters, digits and underscores");
        if (key.empty()) return refuse("an empty key");
        if (key <= previous) {
          at_ = start;
          return refuse(key == previous ? "a key appears twice" : "keys are not in byte order");
        }
        ++at_;
        if (!take(':')) return refuse("':' should be here");
        place.key = previous = key;
        if constexpr (build) {
          if (members.empty()) members.reserve(members_likely);
          members.emplace_back(std::piecewise_construct, std::forward_as_tuple(key), std::forward_as_tuple());
          if (!value(&members.back().second)) return false;
        } else {
          if (!value(nullptr)) return false;
        }
        if (take('}')) break;
        if (!take(',')) return refuse("',' or '}' should be here");
      }
    }
    --path_.depth;
    if constexpr (build) *out = json::Value(std::move(members));
    return true;
  }

  bool array(json::Value* out) {
    if (!enter()) return false;
    Place& place = path_.places[path_.depth - 1];
    json::Array items;
    if (!take(']')) {
      for (;;) {
        if constexpr (build) {
          if (!value(&items.emplace_back())) return false;
        } else {
          if (!value(nullptr)) return false;
        }
        ++place.index;
        if (take(']')) break;
        if (!take(',')) return refuse("',' or ']' should be here");
      }
    }
    --path_.depth;
    if constexpr (build) *out = json::Value(std::move(items));
    return true;
  }

  bool number(json::Value* out) {
    const std::size_t start = at_;
    const bool negative = take('-');
    const std::size_t first = at_;
    std::int64_t n = 0;
    while (at_ < text_.size() && is_digit(text_[at_])) {
      if (at_ - first == 16) return refuse("an integer beyond 2^53-1");
      n = n * 10 + (text_[at_++] - '0');
    }
    if (at_ == first) {
      at_ = start;
      return refuse("not a value");
    }
    if (text_[first] == '0' && at_ - first > 1) return refuse("a leading zero");
    if (negative && n == 0) return refuse("minus zero");
    if (n > canonical_integer_max) return refuse("an integer beyond 2^53-1");
    if (const char c = look(); c == '.' || c == 'e' || c == 'E') return refuse("only integers are signed");
    if constexpr (build) *out = json::Value(negative ? -n : n);
    return true;
  }

  // One UTF-8 sequence that starts at a byte >= 0x80.
  bool wide() {
    const auto byte = [&](std::size_t i) -> unsigned {
      return at_ + i < text_.size() ? static_cast<unsigned char>(text_[at_ + i]) : 0U;
    };
    const auto tail = [&](std::size_t i) { return (byte(i) & 0xc0U) == 0x80U; };
    const unsigned lead = byte(0), second = byte(1);
    std::size_t length = 0;
    if (lead >= 0xc2 && lead <= 0xdf && tail(1))
      length = 2;
    else if (lead >= 0xe0 && lead <= 0xef && tail(1) && tail(2)) {
      if (!(lead == 0xe0 && second < 0xa0) && !(lead == 0xed && second >= 0xa0)) length = 3;
    } else if (lead >= 0xf0 && lead <= 0xf4 && tail(1) && tail(2) && tail(3)) {
      if (!(lead == 0xf0 && second < 0x90) && !(lead == 0xf4 && second >= 0x90)) length = 4;
    }
    if (length == 0) return refuse("bytes that are not UTF-8");
    at_ += length;
    return true;
  }

  bool escape(std::string* out) {
    ++at_;
    char c = '\0';
    switch (look()) {
      case '"':
        c = '"';
        break;
      case '\\':
        c = '\\';
        break;
      case 'b':
        c = '\b';
        break;
      case 't':
        c = '\t';
        break;
      case 'n':
        c = '\n';
        break;
      case 'f':
        c = '\f';
        break;
      case 'r':
        c = '\r';
        break;
      case 'u': {
        const std::string_view hex = text_.substr(at_ + 1, 4);
        const auto low = [](char h) { return is_digit(h) ? h - '0' : h >= 'a' && h <= 'f' ? h - 'a' + 10 : -1; };
        if (hex.size() != 4 || hex[0] != '0' || hex[1] != '0' || (hex[2] != '0' && hex[2] != '1') || low(hex[3]) < 0)
          return refuse("only control characters are written as \\u00xx, in lower case");
        const int point = (hex[2] - '0') * 16 + low(hex[3]);
        if (point == 8 || point == 9 || point == 10 || point == 12 || point == 13)
          return refuse("this control character has a short escape");
        c = static_cast<char>(point);
        at_ += 4;
        break;
      }
      default:
        return refuse("this character is written without an escape");
    }
    ++at_;
    if constexpr (build) *out += c;
    return true;
  }

  bool string(std::string* out) {
    ++at_;
    for (;;) {
      const std::size_t start = at_;
      while (at_ < text_.size() && !is_special(text_[at_])) ++at_;
      while (at_ < text_.size() && static_cast<unsigned char>(text_[at_]) >= 0x80) {
        if (!wide()) return false;
        while (at_ < text_.size() && !is_special(text_[at_])) ++at_;
      }
      if constexpr (build) out->append(text_.substr(start, at_ - start));
      if (at_ >= text_.size()) return refuse("the text ends inside a string");
      if (text_[at_] == '"') {
        ++at_;
        return true;
      }
      if (text_[at_] != '\\') return refuse("a control character must be escaped");
      if (!escape(out)) return false;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  const char* what_ = "";
  Path path_;
};

class Writer {
 public:
  Writer(std::string& out, std::size_t levels) : out_(out), levels_(levels) {}

  bool write(const json::Value& value) {
    if (const std::string* s = value.string()) return string(*s);
    if (const std::int64_t* n = value.integer()) {
      if (*n > canonical_integer_max || *n < -canonical_integer_max) return refuse("an integer beyond 2^53-1");
      char buffer[24];
      out_.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, *n).ptr);
      return true;
    }
    if (const json::Object* members = value.object()) return object(*members);
    if (const json::Array* items = value.array()) return array(*items);
    if (const bool* b = value.boolean()) {
      out_ += *b ? "true" : "false";
      return true;
    }
    if (value.real()) return refuse("only integers are signed");
    out_ += "null";
    return true;
  }

  Result<void> result(bool written) const {
    if (written) return {};
    return fail(why("statement.not_canonical"), "at {}: {}", path_.text(), what_);
  }

 private:
  bool refuse(const char* what) {
    what_ = what;
    return false;
  }

  bool string(std::string_view text) {
    if (!valid_utf8(text)) return refuse("bytes that are not UTF-8");
    json::append_quoted(out_, text);
    return true;
  }

  bool enter() {
    if (path_.depth + levels_ >= canonical_depth_max) return refuse("more than 16 levels");
    path_.places[path_.depth++] = {};
    return true;
  }

  bool member(const json::Member& m, std::string_view previous) {
    path_.places[path_.depth - 1].key = m.first;
    if (m.first.empty() || !std::all_of(m.first.begin(), m.first.end(), is_key_byte))
      return refuse("a key has only letters, digits and underscores");
    if (m.first == previous) return refuse("a key appears twice");
    out_ += '"';
    out_ += m.first;
    out_ += "\":";
    return write(m.second);
  }

  bool object(const json::Object& members) {
    if (!enter()) return false;
    out_ += '{';
    const auto by_key = [](const json::Member& a, const json::Member& b) { return a.first < b.first; };
    std::string_view previous;
    if (std::is_sorted(members.begin(), members.end(), by_key)) {
      for (const json::Member& m : members) {
        if (!previous.empty()) out_ += ',';
        if (!member(m, previous)) return false;
        previous = m.first;
      }
    } else {
      std::vector<const json::Member*> order;
      order.reserve(members.size());
      for (const json::Member& m : members) order.push_back(&m);
      std::sort(order.begin(), order.end(), [&](auto a, auto b) { return by_key(*a, *b); });
      for (const json::Member* m : order) {
        if (!previous.empty()) out_ += ',';
        if (!member(*m, previous)) return false;
        previous = m->first;
      }
    }
    out_ += '}';
    --path_.depth;
    return true;
  }

  bool array(const json::Array& items) {
    if (!enter()) return false;
    out_ += '[';
    for (std::size_t i = 0; i < items.size(); ++i) {
      path_.places[path_.depth - 1].index = i;
      if (i) out_ += ',';
      if (!write(items[i])) return false;
    }
    out_ += ']';
    --path_.depth;
    return true;
  }

  std::string& out_;
  std::size_t levels_;
  const char* what_ = "";
  Path path_;
};

}  // namespace

Result<void> check_canonical(std::string_view text) { return Scanner<false>(text).document(nullptr); }

Result<json::Value> parse_canonical(std::string_view text) {
  json::Value out;
  HZ_TRY(Scanner<true>(text).document(&out));
  return out;
}

Result<void> append_canonical(std::string& out, const json::Value& value, int levels) {
  Writer writer(out, static_cast<std::size_t>(levels));
  return writer.result(writer.write(value));
}

Result<std::string> canonical(const json::Value& value) {
  std::string out;
  out.reserve(512);
  HZ_TRY(append_canonical(out, value));
  return out;
}

}  // namespace hz::statement
