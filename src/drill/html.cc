#include "drill/html.h"

#include <vector>

#include "api/op.h"

namespace hz::drill {
namespace {

std::vector<std::string_view> characters(std::string_view text) {
  std::vector<std::string_view> out;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t n = 1;
    while (i + n < text.size() && (static_cast<unsigned char>(text[i + n]) & 0xc0) == 0x80) ++n;
    out.push_back(text.substr(i, n));
    i += n;
  }
  return out;
}

}  // namespace

std::string escape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        if ((static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n') || c == 0x7f)
          out += "\xef\xbf\xbd";
        else
          out += c;
    }
  }
  return out;
}

std::string shorten(std::string_view text, int cells) {
  if (api::cell_width(text) <= cells) return std::string(text);
  const std::vector<std::string_view> all = characters(text);
  std::string head, tail;
  int left = cells - 1;  // the ellipsis
  for (std::size_t i = 0, j = all.size(); i < j;) {
    // Two from the front for each one from the back: ids differ most at the front and in the version.
    const bool front = head.size() <= 2 * tail.size();
    const std::string_view next = front ? all[i] : all[j - 1];
    const int width = api::cell_width(next);
    if (width > left) break;
    left -= width;
    if (front) {
      head += next;
      ++i;
    } else {
      tail.insert(0, next);
      --j;
    }
  }
  return head + "…" + tail;
}

}  // namespace hz::drill
