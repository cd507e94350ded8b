#include "node/drill_rows.h"

#include <algorithm>

namespace hz::node {
namespace {

using drill::ProductState;
using drill::Stage;

std::string seconds(std::int64_t ms) { return ms < 0 ? "-" : fmt::format("{}.{:02} s", ms / 1000, ms % 1000 / 10); }

std::string coloured(const api::Style& style, Stage stage) {
  const std::string text(enum_text(stage));
  if (stage == Stage::switched || stage == Stage::verified || stage == Stage::failed_back || stage == Stage::holds)
    return style.green(text);
  if (stage == Stage::refused || stage == Stage::rolled_back || stage == Stage::unsaved || stage == Stage::broken)
    return style.red(text);
  return text;
}

std::string quality(const drill::Answers& a) {
  if (a.cases == 0) return "-";
  std::string out = fmt::format("{}.{} % of {}", a.quality_milli / 10, a.quality_milli % 10, a.cases);
  if (a.noise_milli > 0) out += fmt::format(" ± {}.{}", a.noise_milli / 10, a.noise_milli % 10);
  return out;
}

}  // namespace

std::string watched_line(const ProductState& p) {
  if (!p.watched) return "";
  const drill::DrillWatched& w = *p.watched;
  std::string out = fmt::format("{}: of {} requests {} were executed again on the incumbent",
                                p.product.substr(p.product.find(':') + 1), w.requests, w.compared);
  if (w.compared > 0)
    out += fmt::format(", {} agree ({}.{} %), {} do not, logits within tolerance on {}", w.agreed,
                       w.agreed * 100 / w.compared, w.agreed * 1000 / w.compared % 10, w.disagreed, w.within);
  if (w.unanswered > 0) out += fmt::format("; {} not answered by it", w.unanswered);
  if (w.incomparable > 0) out += fmt::format("; {} with answers that no rule compares", w.incomparable);
  if (w.skipped > 0) out += fmt::format("; {} drawn and let go", w.skipped);
  out += fmt::format("; {} rounds of known answers", w.canaries);
  if (w.canaries_short > 0) out += fmt::format(", {} fell short", w.canaries_short);
  return out;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

DrillRow row_of(const drill::KnownDrill& one) {
  return {one.id, std::string(enum_text(one.said.mode)), one.said.targets, one.products, one.block, one.opened_ms};
}

std::string table_of(const DrillRow& one, const api::Style& style) {
  std::vector<std::vector<std::string>> cells{
      {"product", "stands at", "substitute", "site", "quality", "after", "last"}};
  std::string refused, watched;
  for (const ProductState& p : one.products) {
    if (const std::string line = watched_line(p); !line.empty())
      watched += fmt::format("{} {}\n", style.bold("watched"), line);
    const std::string name = p.product.substr(p.product.find(':') + 1);
    cells.push_back({name, coloured(style, p.stage), p.backend.empty() ? "-" : p.backend, p.site.empty() ? "-" : p.site,
                     quality(p.answers), seconds(p.switched_ms < 0 ? -1 : p.switched_ms - p.lost_ms),
                     p.detail.size() > 110 ? p.detail.substr(0, 107) + "..." : p.detail});
    for (const std::string& what : p.refused)
      refused += fmt::format("{} {}: {}\n", style.red("taken away"), name, what);
  }
  std::string out = fmt::format("{} {} ({}), loses {}\n{}", style.bold("drill"), one.drill.substr(0, 12), one.mode,
                                joined(one.targets), one.products.empty() ? "no step yet\n" : api::table(cells, style));
  if (one.block) {
    std::size_t files = 0;
    for (const auto& library : one.block->libraries) files += library.files.size();
    out += fmt::format("{} {} of this host's files ({} lost libraries) and {} hosts, for servers of this drill only\n",
                       style.red("denied for real:"), files, one.block->libraries.size(), one.block->hosts.size());
  }
  return out + watched + refused;
}

Result<drill::KnownDrill> find_drill(api::Ctx& ctx, const std::optional<std::string>& id) {
  return drill::find_drill(*HZ_TRY(HZ_TRY(ctx.member())->views()), id.value_or(""));
}

}  // namespace hz::node
