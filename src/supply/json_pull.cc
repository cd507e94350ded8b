#include "supply/json_pull.h"

#include <algorithm>
#include <charconv>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/json.h"

namespace hz::supply {

namespace {

// The first byte in [at, end) that is '"', '\\' or below 0x20.
const char* string_stop(const char* at, const char* end) {
#ifdef __SSE2__
  const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'), low = _mm_set1_epi8(0x1f);
  while (end - at >= 16) {
    const __m128i text = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(text, quote), _mm_cmpeq_epi8(text, slash)),
                                     _mm_cmpeq_epi8(_mm_min_epu8(text, low), text));
    if (const int mask = _mm_movemask_epi8(hit)) return at + __builtin_ctz(static_cast<unsigned>(mask));
    at += 16;
  }
#endif
  while (at < end && *at != '"' && *at != '\\' && static_cast<unsigned char>(*at) >= 0x20) ++at;
  return at;
}

bool digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

void JsonPull::space() {
  while (at_ < end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r')) {
    ++at_;
#ifdef __SSE2__
    // Indentation: long runs of spaces.
    const __m128i blank = _mm_set1_epi8(' ');
    while (end_ - at_ >= 16) {
      const __m128i text = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at_));
      const unsigned mask = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(text, blank)));
      if (mask != 0xffff) {
        at_ += __builtin_ctz(~mask);
        break;
      }
      at_ += 16;
    }
#endif
  }
}

bool JsonPull::take(char c) {
  if (failed()) return false;
  space();
  if (at_ >= end_ || *at_ != c) return false;
  ++at_;
  return true;
}

char JsonPull::peek() {
  if (failed()) return 0;
  space();
  return at_ < end_ ? *at_ : '\0';
}

void JsonPull::syntax(std::string_view what) {
  if (failed()) return;
  const auto line = std::count(begin_, at_, '\n') + 1;
  const char* start = at_;
  while (start > begin_ && start[-1] != '\n') --start;
  error_ = Error{&hz::why("base.json_syntax"), fmt::format("line {} column {}: {}", line, at_ - start + 1, what)};
}

void JsonPull::refuse(const Reason& reason, std::string_view what) {
  if (!failed()) error_ = Error{&reason, fmt::format("{} {}", path(), what)};
}

void JsonPull::wrong_type(std::string_view wanted) {
  const char next = peek();
  if (next == 0 || std::string_view("{[\"tfn-0123456789").find(next) == std::string_view::npos)
    return syntax("not a value");
  refuse(hz::why("base.json_field"), fmt::format("should be {}", wanted));
}

bool JsonPull::enter(char open, std::string_view wanted) {
  if (failed()) return false;
  if (peek() != open) {
    wrong_type(wanted);
    return false;
  }
  if (++depth_ > depth_max_) {
    error_ = Error{&hz::why("base.json_depth"), fmt::format("{}: more than {} levels", path(), depth_max_)};
    return false;
  }
  ++at_;
  return true;
}

void JsonPull::close(char c) {
  if (failed()) return;
  if (!take(c)) return syntax(c == '}' ? "',' or '}' should be here" : "',' or ']' should be here");
  leave();
}

std::string_view JsonPull::key_text(std::size_t keys_start, std::uint64_t& seen) {
  if (peek() != '"') {
    syntax("a key should be here");
    return {};
  }
  const std::string_view key = raw_string();
  if (!take(':')) {
    syntax("':' should be here");
    return {};
  }
  // Objects of the formats we read have at most a few dozen keys; one with thousands is hostile or no such document.
  if (keys_.size() - keys_start >= 512) {
    error_ = Error{&hz::why("base.too_large"), fmt::format("{} has more than 512 keys", path())};
    return {};
  }
  // One bit per length and ends: only keys that share a bit with an earlier one can repeat it.
  const std::size_t shape =
      key.empty() ? 0
                  : key.size() * 5 + static_cast<std::size_t>(key.front()) * 3 + static_cast<std::size_t>(key.back());
  const std::uint64_t bit = std::uint64_t{1} << (shape % 64);
  const bool maybe = seen & bit;
  seen |= bit;
  for (std::size_t i = keys_start; maybe && i < keys_.size(); ++i)
    if (keys_[i] == key) {
      syntax(fmt::format("key \"{}\" appears twice", key));
      return {};
    }
  keys_.push_back(key);
  return key;
}

std::string_view JsonPull::string() {
  if (failed()) return {};
  if (peek() != '"') {
    wrong_type("a text");
    return {};
  }
  return raw_string();
}

std::string_view JsonPull::raw_string() {
  const char* start = ++at_;
  at_ = string_stop(at_, end_);
  if (at_ < end_ && *at_ == '"') return {start, static_cast<std::size_t>(at_++ - start)};
  return unescape(start);
}

// The rare way: base/json knows how to decode, so the literal is cut out and given to it.
std::string_view JsonPull::unescape(const char* start) {
  at_ = start - 1;
  const char* literal = at_;
  skip_string();
  if (failed()) return {};
  auto value = json::parse({literal, static_cast<std::size_t>(at_ - literal)});
  if (!value || !value->string()) {
    at_ = literal;
    syntax("a wrong escape in a string");
    return {};
  }
  return unescaped_.emplace_back(*value->string());
}

void JsonPull::skip_string() {
  ++at_;
  for (;;) {
    at_ = string_stop(at_, end_);
    if (at_ >= end_) return syntax("the string has no end");
    if (*at_ == '"') {
      ++at_;
      return;
    }
    if (*at_ != '\\') return syntax("a control character in a string");
    if (end_ - at_ < 2) return syntax("the string has no end");
    const char escape = at_[1];
    if (std::string_view("\"\\/bfnrtu").find(escape) == std::string_view::npos) return syntax("not an escape");
    at_ += 2;
    if (escape != 'u') continue;
    for (int i = 0; i < 4; ++i, ++at_)
      if (at_ >= end_ || !(digit(*at_) || (*at_ >= 'a' && *at_ <= 'f') || (*at_ >= 'A' && *at_ <= 'F')))
        return syntax("four hex digits should follow \\u");
  }
}

void JsonPull::skip_number() {
  if (*at_ == '-') ++at_;
  if (at_ >= end_ || !digit(*at_)) return syntax("not a value");
  if (*at_ == '0')
    ++at_;
  else
    while (at_ < end_ && digit(*at_)) ++at_;
  if (at_ < end_ && *at_ == '.') {
    ++at_;
    if (at_ >= end_ || !digit(*at_)) return syntax("a digit should follow the point");
    while (at_ < end_ && digit(*at_)) ++at_;
  }
  if (at_ < end_ && (*at_ == 'e' || *at_ == 'E')) {
    ++at_;
    if (at_ < end_ && (*at_ == '+' || *at_ == '-')) ++at_;
    if (at_ >= end_ || !digit(*at_)) return syntax("a digit should follow the exponent sign");
    while (at_ < end_ && digit(*at_)) ++at_;
  }
}

bool JsonPull::word(std::string_view text) {
  if (std::string_view(at_, static_cast<std::size_t>(end_ - at_)).substr(0, text.size()) != text) {
    syntax("not a value");
    return false;
  }
  at_ += text.size();
  return true;
}

std::string_view JsonPull::number() {
  const char next = peek();
  if (failed()) return {};
  if (next != '-' && !digit(next)) {
    wrong_type("a number");
    return {};
  }
  const char* start = at_;
  skip_number();
  if (failed()) return {};
  return {start, static_cast<std::size_t>(at_ - start)};
}

std::int64_t JsonPull::integer() {
  const std::string_view digits = number();
  if (failed()) return 0;
  std::int64_t value = 0;
  const char* last = digits.data() + digits.size();
  const auto [end, error] = std::from_chars(digits.data(), last, value);
  if (error != std::errc() || end != last) refuse(hz::why("base.json_field"), "should be an integer of 64 bits");
  return value;
}

bool JsonPull::boolean() {
  const char next = peek();
  if (next == 't') return word("true");
  if (next == 'f')
    word("false");
  else
    wrong_type("true or false");
  return false;
}

void JsonPull::skip() {
  switch (peek()) {
    case '"':
      return skip_string();
    case 't':
      word("true");
      return;
    case 'f':
      word("false");
      return;
    case 'n':
      word("null");
      return;
    case '{':
      if (!enter('{', "an object")) return;
      if (take('}')) return leave();
      do {
        if (peek() != '"') return syntax("a key should be here");
        skip_string();
        if (failed()) return;
        if (!take(':')) return syntax("':' should be here");
        skip();
      } while (take(','));
      return close('}');
    case '[':
      if (!enter('[', "a list")) return;
      if (take(']')) return leave();
      do skip();
      while (take(','));
      return close(']');
    case 0:
      return syntax("the text ends where a value should be");
    default:
      return skip_number();
  }
}

std::string JsonPull::path() const {
  std::string out = "$";
  for (const Step& step : path_) {
    if (step.key.data())
      out += fmt::format(".{}", step.key);
    else
      out += fmt::format("[{}]", step.index);
  }
  return out;
}

std::optional<JsonPull::Stop> JsonPull::rewind(const Place& place) {
  std::optional<Stop> stop;
  if (error_) stop = Stop{std::move(*error_), at_};
  error_.reset();
  at_ = place.at;
  depth_ = place.depth;
  path_.resize(place.path);
  keys_.resize(place.keys);
  unescaped_.resize(place.texts);
  return stop;
}

void JsonPull::fail(Stop stop) {
  if (failed()) return;
  at_ = stop.at;
  error_ = std::move(stop.error);
}

Result<void> JsonPull::finish() {
  if (!failed()) {
    space();
    if (at_ != end_) syntax("text after the end of the document");
  }
  if (failed()) return std::unexpected(*error_);
  return {};
}

}  // namespace hz::supply
