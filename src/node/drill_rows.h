// How a drill is shown: by `drill status`, and by every command that moves it.
#pragma once
#include "api/op.h"
#include "drill/live.h"

namespace hz::node {

struct DrillRow {
  std::string drill, mode;
  std::vector<std::string> targets;
  std::vector<drill::ProductState> products;
  std::optional<drill::DrillBlock> block;
  std::int64_t opened_ms = 0;
  static constexpr auto fields() {
    return rows(row("drill", &DrillRow::drill, "id: the statement that opened it"),
                row("mode", &DrillRow::mode, "table-top or live"), row("targets", &DrillRow::targets, "what is lost"),
                row("products", &DrillRow::products, "where each product stands"),
                row("block", &DrillRow::block, "what is taken away for real; absent: nothing"),
                row("opened_ms", &DrillRow::opened_ms, "when it was opened, ms since 1970"));
  }
};
DrillRow row_of(const drill::KnownDrill& one);
std::string table_of(const DrillRow& one, const api::Style& style);
inline std::string text(const DrillRow& one, const api::Style& style) { return table_of(one, style); }

// What the node saw of a product while its traffic was at a substitute, one line; "" when it saw nothing.
std::string watched_line(const drill::ProductState& p);

std::string joined(const std::vector<std::string>& words);
// The drill named by its first digits, or the newest. Errors: drill.no_drill.
Result<drill::KnownDrill> find_drill(api::Ctx& ctx, const std::optional<std::string>& id);

}  // namespace hz::node
