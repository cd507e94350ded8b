// Text into HTML and SVG, safely.
#pragma once
#include <string>
#include <string_view>

namespace hz::drill {

// For element content and quoted attributes: & < > " ' become entities; control characters except tab and newline,
// which no HTML may hold, become U+FFFD.
std::string escape(std::string_view text);

// At most `cells` terminal cells wide, with the middle left out: "npm:onnxrun…@1.16.3". Never cuts inside a character.
std::string shorten(std::string_view text, int cells);

}  // namespace hz::drill
