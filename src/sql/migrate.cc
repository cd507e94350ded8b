#include "sql/migrate.h"

#include "sql/reasons.h"

namespace hz::sql {

Result<void> migrate(Db& db, std::span<const std::string_view> steps) {
  const auto count = static_cast<std::int64_t>(steps.size());
  if (HZ_TRY(db.integer("PRAGMA user_version")).value_or(0) == count) return {};
  return db.transaction([&]() -> Result<void> {
    const std::int64_t seen = HZ_TRY(db.integer("PRAGMA user_version")).value_or(0);
    if (seen > count) return fail(why("sql.newer"), "schema version {}, this program knows {}", seen, count);
    for (auto i = static_cast<std::size_t>(seen); i < steps.size(); ++i) HZ_TRY(db.run(steps[i]));
    return db.run(fmt::format("PRAGMA user_version={}", count));
  });
}

Result<void> check_pages(Db& db) {
  std::string findings;
  HZ_TRY(db.query("PRAGMA integrity_check(5)", {}, [&](const Row& row) {
    if (row.text_view(0) != "ok") findings += (findings.empty() ? "" : "; ") + row.text(0);
    return true;
  }));
  if (!findings.empty()) return fail(why("sql.corrupt"), "{}", findings);
  return {};
}

}  // namespace hz::sql
