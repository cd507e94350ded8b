// A forward-only JSON reader for large documents of known shape.
//
// The simple way, base/json's tree, allocates every key and string of a BOM although nine tenths are never looked at:
// 350 MB/s before any fact is taken out of it, where this reads facts at 800 (docs/decisions/0032). This reader hands
// out views into the text, copies only strings that have escapes, and skips what the caller does not ask for 16 bytes
// at a time. It checks the whole grammar, skipped parts included.
//
//   JsonPull in(text);
//   in.object([&](std::string_view key) {
//     if (key == "name") name = in.string();
//     else in.skip();
//   });
//   HZ_TRY(in.finish());
//
// Errors are sticky: after the first one every call returns at once with an empty result, so callers check once at the
// end.
#pragma once
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hz::supply {

class JsonPull {
 public:
  // The text must be valid UTF-8 (base/bytes.h checks) and outlive the reader and every view it returns.
  explicit JsonPull(std::string_view text, int depth_max = 64)
      : begin_(text.data()), at_(text.data()), end_(text.data() + text.size()), depth_max_(depth_max) {}

  bool failed() const { return error_.has_value(); }
  // The first byte of the next value: '{' '[' '"' 't' 'f' 'n' '-' or a digit; 0 at the end or after an error.
  char peek();

  // Calls each(key) for every member; `each` consumes exactly one value. A wrong type or a repeated key is an error.
  template <class F>
  void object(F&& each) {
    if (!enter('{', "an object")) return;
    const std::size_t keys_start = keys_.size();
    if (take('}')) return leave();
    std::uint64_t seen = 0;
    do {
      const std::string_view key = key_text(keys_start, seen);
      if (failed()) return;
      path_.push_back({key, 0});
      each(key);
      if (failed()) return;
      path_.pop_back();
    } while (take(','));
    keys_.resize(keys_start);
    close('}');
  }
  // Calls each(index) for every element.
  template <class F>
  void array(F&& each) {
    if (!enter('[', "a list")) return;
    if (take(']')) return leave();
    std::int64_t index = 0;
    do {
      path_.push_back({{}, index});
      each(index++);
      if (failed()) return;
      path_.pop_back();
    } while (take(','));
    close(']');
  }
  std::string_view string();  // the value must be a string
  std::string_view number();  // the value must be a number; its digits as they stand
  std::int64_t integer();     // the value must be an integer of 64 bits
  bool boolean();
  void skip();  // any value

  // Refuses the value being read with this module's reason, e.g. refuse(why("supply.bom"), "should be a list").
  void refuse(const Reason& reason, std::string_view what);
  std::string path() const;  // "$.components[3].name"

  // Going back, for a value that may be read in more than one way. A place is valid until its object or list is left.
  struct Place {
    const char* at;
    int depth;
    std::size_t path, keys, texts;
  };
  struct Stop {  // an error and how far the reader had come
    Error error;
    const char* at;
  };
  const char* position() const { return at_; }
  Place place() const { return {at_, depth_, path_.size(), keys_.size(), unescaped_.size()}; }
  // Forgets everything since then; gives the error that was forgotten. Views handed out since are gone.
  std::optional<Stop> rewind(const Place& place);
  // Frees the texts with escapes handed out since then, without going back.
  void forget_texts(const Place& place) { unescaped_.resize(place.texts); }
  void fail(Stop stop);
  // Nothing but white space may follow. Errors: what was refused, or base.json_syntax, base.json_depth.
  Result<void> finish();

 private:
  struct Step {
    std::string_view key;  // empty data() for an element
    std::int64_t index;
  };

  void space();
  bool take(char c);
  bool enter(char open, std::string_view wanted);
  void leave() { --depth_; }
  void close(char c);
  std::string_view key_text(std::size_t keys_start, std::uint64_t& seen);
  std::string_view raw_string();  // at the opening quote
  std::string_view unescape(const char* start);
  void skip_string();
  void skip_number();
  bool word(std::string_view text);
  void syntax(std::string_view what);
  void wrong_type(std::string_view wanted);

  const char* begin_;
  const char* at_;
  const char* end_;
  int depth_max_;
  int depth_ = 0;
  std::optional<Error> error_;
  std::vector<Step> path_;
  std::vector<std::string_view> keys_;  // of the objects being read, innermost last
  std::deque<std::string> unescaped_;   // strings that had escapes
};

}  // namespace hz::supply
