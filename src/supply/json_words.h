// What a text may look like: the patterns and formats that the schemas we follow name. Each is one small function, so a
// text of any length is judged in one pass without a stack; the tests hold every pattern against std::regex.
#pragma once
#include <string_view>

namespace hz::supply {

// A named form of texts. `fits` expects valid UTF-8.
struct WordForm {
  std::string_view name;    // as spec/cyclonedx/rules.json writes it
  std::string_view regex;   // the schema's own words (ECMA 262); empty for a format
  std::string_view wanted;  // "should be {wanted}"
  bool (*fits)(std::string_view text);
};

// Null for a name nobody registered.
const WordForm* word_form(std::string_view name);

}  // namespace hz::supply
