#include "api/op.h"

#include <algorithm>

#include "base/bytes.h"

namespace hz::api {
namespace {

// East Asian wide and fullwidth blocks, as far as names and titles use them.
bool is_wide(std::uint32_t point) {
  return (point >= 0x1100 && point <= 0x115f) || (point >= 0x2e80 && point <= 0xa4cf) ||
         (point >= 0xac00 && point <= 0xd7a3) || (point >= 0xf900 && point <= 0xfaff) ||
         (point >= 0xfe30 && point <= 0xfe6f) || (point >= 0xff00 && point <= 0xff60) ||
         (point >= 0xffe0 && point <= 0xffe6) || (point >= 0x1f300 && point <= 0x1faff);
}

}  // namespace

int cell_width(std::string_view text) {
  int width = 0;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<std::uint8_t>(text[i]);
    if (lead == 0x1b) {  // a colour: ESC [ ... m
      const auto end = text.find('m', i);
      if (end == std::string_view::npos) break;
      i = end + 1;
      continue;
    }
    const std::size_t length = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    std::uint32_t point = lead < 0x80 ? lead : lead & (0xffU >> (length + 1));
    for (std::size_t k = 1; k < length && i + k < text.size(); ++k)
      point = point << 6 | (static_cast<std::uint8_t>(text[i + k]) & 0x3fU);
    width += is_wide(point) ? 2 : 1;
    i += length;
  }
  return width;
}

std::string table(const std::vector<std::vector<std::string>>& rows, const Style& style) {
  std::vector<int> widths;
  for (const auto& row : rows) {
    if (row.size() > widths.size()) widths.resize(row.size());
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], cell_width(row[c]));
  }
  std::string out;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::string line;
    for (std::size_t c = 0; c < rows[r].size(); ++c) {
      const std::string& cell = rows[r][c];
      line += r == 0 ? style.dim(cell) : cell;
      if (c + 1 < rows[r].size()) line.append(static_cast<std::size_t>(widths[c] - cell_width(cell) + 2), ' ');
    }
    out += line;
    out += '\n';
  }
  return out;
}

Result<alliance::Member*> Ctx::member() {
  if (!opened) {
    opened = HZ_TRY(alliance::Member::open(home, mounted, seams));
    opened->set_dry_run(dry_run);
    opened->set_audience(audience);
  }
  opened->hold_views(true);
  return &*opened;
}

}  // namespace hz::api
